"""Design-space exploration of image classifiers on the CPU in front of it."""

__version__ = "0.1.0"
