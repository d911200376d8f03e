"""The objectives that a search space has where it names none, as the tests call them."""

from __future__ import annotations

from dse.tasks.registry import default_objectives

DEFAULT_OBJECTIVES = default_objectives()
