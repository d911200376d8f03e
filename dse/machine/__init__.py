"""The machine: what it is, what else it does meanwhile, and its one lock for measuring."""
