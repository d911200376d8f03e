"""Benchmarks of the harness itself, for a machine that does nothing else; `make bench` runs them.

The test run does not collect them: a test asserts no time.
"""
