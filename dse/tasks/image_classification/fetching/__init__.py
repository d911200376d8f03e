"""Fetches published classifiers into a folder of models."""
