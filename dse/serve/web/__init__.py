"""The server: who may, what is small enough, where it listens, and its own files."""
