"""A study: a folder, an Optuna storage, and what its trials say."""
