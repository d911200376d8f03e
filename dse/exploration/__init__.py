"""The explorer: chooses configurations, has them measured, keeps what comes out."""
