"""What a user computes from what was measured: further metrics, conditions, other objectives."""
