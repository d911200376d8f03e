"""Runs by MLPerf's own rules, of what is on a study's frontier."""
