"""Chooses what to measure next, by a model of the whole space and what each step would gain."""

from dse.search.optuna_sampler import FrontierSampler

__all__ = ["FrontierSampler"]
