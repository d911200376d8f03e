"""The image classifiers this package knows: their graphs, weights and published accuracies."""
