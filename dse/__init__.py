"""Design-space exploration of image classifiers on the CPU in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dse.notebook import LoadedStudy, load_study

__all__ = ["LoadedStudy", "__version__", "load_study"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Loads what notebooks use, and pandas with it, when it is asked for (PEP 562)."""
    if name not in {"LoadedStudy", "load_study"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dse import notebook

    return getattr(notebook, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
