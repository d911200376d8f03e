"""Commands that were started from the page, and outlive it."""
