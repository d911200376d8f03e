"""Model files as they lie on disk: what they declare, read without a runtime."""
