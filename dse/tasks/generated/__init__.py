"""Any model, fed with generated inputs; its answers are not scored."""
