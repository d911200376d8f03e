"""From validated points to a submission: evidence, rules, tree, checkers."""
