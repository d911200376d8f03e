"""A study as a self-contained HTML page: it needs no network, no library and no server."""
