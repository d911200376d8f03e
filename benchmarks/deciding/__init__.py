"""Whether decisions can be trusted: studies made for that, recorded, and decided again."""
