"""Which models there are, what they cost, and where their files come from."""
