"""The worker process that measures one configuration, and the parent's hold on it."""
