"""Design-space exploration of inference on the CPU in front of it.

Attributes:
    explore: measures the configurations of a search space.
    load_study: reads a study.
    LoadedStudy: what both return, a study as pandas tables.
    FrontierSampler: the sampler of the search, for Optuna studies of any kind.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dse.notebook import LoadedStudy, explore, load_study
    from dse.search import FrontierSampler

__all__ = ["FrontierSampler", "LoadedStudy", "__version__", "explore", "load_study"]
__version__ = "0.1.0"

_MODULES = {
    "FrontierSampler": "dse.search",
    "LoadedStudy": "dse.notebook",
    "explore": "dse.notebook",
    "load_study": "dse.notebook",
}


def __getattr__(name: str) -> Any:
    """Loads what is offered here, and pandas or Optuna with it, when it is asked for (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
