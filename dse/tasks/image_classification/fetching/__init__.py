"""Published classifiers, fetched into a folder of models."""
