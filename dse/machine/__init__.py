"""The machine: its properties, its load and its measuring lock."""
