"""Tasks: what a model is for, how it is fed, and how its answers are scored."""
