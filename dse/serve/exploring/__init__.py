"""The pages that start explorations and show them as they go on."""
