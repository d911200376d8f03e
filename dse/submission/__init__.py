"""From validated points to an open-division submission: evidence, rules, tree, checkers."""
