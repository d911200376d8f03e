"""Reading YAML, and messages that name file, line, field and remedy."""
