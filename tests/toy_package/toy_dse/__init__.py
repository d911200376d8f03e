"""What another distribution adds to the toolkit."""
