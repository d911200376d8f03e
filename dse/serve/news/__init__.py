"""Tells browsers of changes, as the system tells of them."""
