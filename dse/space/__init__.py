"""Search spaces: read, checked, enumerated, and fitted to a machine."""
