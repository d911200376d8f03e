"""The page: explorations are started, watched, compared and submitted from a browser."""
