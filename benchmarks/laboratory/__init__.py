"""Where samplers search recorded tables, whose whole frontier is known."""
