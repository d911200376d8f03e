"""Systems side by side: which is the best at an accuracy, and whether accuracies agree."""
