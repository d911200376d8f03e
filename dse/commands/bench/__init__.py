"""``dse bench``: any model file through LoadGen."""
