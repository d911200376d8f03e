"""Data sets of labelled images, and the cache of their decoded pixels."""
