"""The answer: the one configuration that a user should take, and how to deploy it."""
