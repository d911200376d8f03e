"""Where model files come from, for any task, and the formats and precisions made from them."""
