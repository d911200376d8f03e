"""The pages that show studies, points and comparisons."""
