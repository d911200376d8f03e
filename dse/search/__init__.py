"""Chooses what to measure next by a model of the whole space and the expected gain of each step."""

from dse.search._optuna_sampler import FrontierSampler

__all__ = ["FrontierSampler"]
