"""Results of systems from anywhere, in one form: studies, and what others have published."""
