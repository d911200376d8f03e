"""The first page: all studies and imports, the newest first, and what runs now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dse.core.wording import format_count
from dse.serve.looking._study_page import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dse.results.stored import StoredResults
    from dse.serve.jobs.jobs import Job

NEVER = datetime.min.replace(tzinfo=UTC)
MANY = 10
"""From so many on there is a field to search them."""


def listing(
    stored: Iterable[StoredResults], jobs: Mapping[str, Job], search: str
) -> dict[str, Any]:
    """What the page shows.

    Args:
        stored: studies and imports.
        jobs: what runs now, by the name of its study.
        search: words that an entry must have; empty for all entries.
    """
    everything = [_entry(each, jobs.get(each.name)) for each in stored]
    everything.sort(key=lambda entry: entry["newest"], reverse=True)
    words = search.lower().split()
    entries = [each for each in everything if all(word in each["words"] for word in words)]
    return {
        "entries": entries,
        "count": len(everything),
        "unread": sum(entry["unread"] for entry in everything),
        "search": search,
        "searchable": len(everything) >= MANY,
    }


def describe(each: StoredResults) -> str:
    """A study or an import in a few words."""
    if each.problem:
        return f"can't be read: {each.problem}" if each.kind == "unreadable" else each.problem
    if each.configurations is None:
        return "not read yet"
    if each.kind == "import":
        systems = format_count(len(each.systems), "system")
        return f"import of {systems} with {format_count(each.configurations, 'configuration')}"
    return f"{each.task} on {', '.join(each.systems)}"


def _entry(each: StoredResults, job: Job | None) -> dict[str, Any]:
    counts, told = "", describe(each)
    if each.kind == "study" and each.configurations is not None:
        counts = f"{each.configurations:,} measured"
        counts += f", {each.failed:,} failed" if each.failed else ""
        counts += f", {each.remaining:,} left" if each.remaining else ""
    return {
        "name": each.name,
        "kind": each.kind,
        "place": place_of(each.name),
        "told": told,
        "counts": counts,
        "changed": "" if each.changed is None else f"{each.changed:%Y-%m-%d %H:%M}",
        "job": job,
        "unread": each.configurations is None and not each.problem,
        "newest": (job is not None, each.changed or NEVER),
        "words": f"{each.name} {told}".lower(),
    }
