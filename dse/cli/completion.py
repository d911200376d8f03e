"""What a shell offers while a command is typed: studies, search spaces and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click
    from click.shell_completion import CompletionItem


def complete_study(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """The studies in ``studies/``; folders where none fits."""
    from dse.study.folder import known_studies

    return _offered(typed, (folder.name for folder in known_studies()), "dir")


def complete_space(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """The search spaces that have a name; files where none fits."""
    from dse.space.finding import known_spaces

    return _offered(typed, known_spaces(), "file")


def complete_metric(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """The short names of metrics, then the whole ones."""
    from dse.report.metric_words import ACCURACY, SHORT_NAMES

    return _offered(typed, (ACCURACY, *SHORT_NAMES, *_metrics()))


def complete_objective(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Metrics with their direction."""
    return _offered(typed, (f"{name}:{way}" for name, way in _metrics().items()))


def _metrics() -> dict[str, str]:
    """The direction of each metric, those of tasks included."""
    from dse.core.metrics import METRICS
    from dse.tasks import registry  # noqa: F401  # the qualities of tasks become metrics

    return {name: metric.direction for name, metric in METRICS.items()}


def _offered(typed: str, names: Iterable[str], otherwise: str = "") -> list[CompletionItem]:
    """The names that begin with what is typed, or that the shell completes what it can itself."""
    from click.shell_completion import CompletionItem

    found = [CompletionItem(name) for name in names if name.startswith(typed)]
    return found if found or not otherwise else [CompletionItem(typed, type=otherwise)]
