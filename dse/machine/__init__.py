"""What else a machine does while something is measured on it."""
