"""Chooses what to measure next, by a model of the whole space and what each step would gain."""
