"""Commands that come next, as they can be given."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from dse.study.database_url import without_password

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def command(name: str, study: str, storage: str | None, *options: str) -> str:
    """A command on a study; the storage's URL is shown without its password.

    Args:
        name: of the command.
        study: as it was given.
        storage: the URL that was given, if one was.
        options: further words.
    """
    kept = ["--storage", without_password(storage)] if storage else []
    return shlex.join(["dse", name, study, *kept, *options])


def repeat(
    name: str,
    words: Sequence[str],
    storage: str | None,
    *more: str,
    without: Collection[str] = (),
) -> str:
    """A command as it was given, with some flags added or left out.

    Args:
        name: of the command.
        words: that it was given.
        storage: the URL among them, whose password is not shown.
        more: words that are added.
        without: flags that are left out.
    """
    kept = [word for word in words if word not in without]
    if storage:
        kept = [word.replace(storage, without_password(storage)) for word in kept]
    return shlex.join(["dse", name, *kept, *more])


def next_lines(*commands: str | None) -> list[str]:
    """The line that says what comes next; none where nothing does."""
    known = list(filter(None, commands))
    return [f"next: {'; '.join(known)}"] if known else []
