"""The Pythons that the backends' workers run in, and which runtimes are usable in them."""
