"""The pages that lead from a study to a submission."""
