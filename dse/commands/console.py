"""What commands print on, and the picture that they keep beside a study."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from dse.core.errors import DseError
from dse.core.printable import to_printable
from dse.core.wording import wrap_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType
    from rich.segment import Segment

    from dse.study.study import Study

PLAIN_WIDTH = 200
"""Columns of a table that goes to a file or a pipe."""


class _Safe(Console):
    """Shows no text that would steer the terminal, wherever it comes from."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Renders texts, also those inside tables, without control characters."""
        if isinstance(renderable, str):
            renderable = _to_lines(renderable)
        elif isinstance(renderable, Text):
            renderable = renderable.copy()
            renderable.plain = _to_lines(renderable.plain)
        return super().render(renderable, options)


def _to_lines(text: str) -> str:
    return "\n".join(map(to_printable, text.split("\n")))


class _Progress(_Safe):
    def on_broken_pipe(self) -> None:
        """Goes on: whoever reads results may care for no more progress, and work is not lost."""
        self.quiet = True


def console(*, stderr: bool = False) -> Console:
    """A console for results (stdout) or for all else (stderr); files get wide lines."""
    kind = partial(
        _Progress if stderr else _Safe, stderr=stderr, highlight=False, markup=False, emoji=False
    )
    made = kind()
    return made if made.is_terminal else kind(width=PLAIN_WIDTH)


def print_lines(
    lines: Iterable[str],
    on: Console,
    style: str = "",
    *,
    whole: bool = False,
    width: int | None = None,
) -> None:
    """Prints each as one line without markup; on a terminal it is wrapped between words.

    Args:
        lines: without line ends.
        on: where to.
        style: of all of them.
        whole: whether nothing is wrapped, as a command that is to be copied.
        width: columns of what goes to a file or a pipe; None for whole lines there.
    """
    for line in lines:
        text, columns = to_printable(line), on.width if on.is_terminal else width
        wrapped = [text] if whole or columns is None else wrap_words(text, columns)
        for part in wrapped:
            on.print(part, style=style, markup=False, emoji=False, soft_wrap=True)


def print_picture(study: Study, on: Console) -> None:
    """Draws the picture of a study and prints where it is, or why there is none.

    The picture is an addition: a study on a read-only or full disk, or one read without
    matplotlib, has its table all the same.
    """
    from dse.report.pictures import write

    try:
        picture = write(study)
    except DseError as error:
        print_lines([str(error)], on, "yellow")
        return
    if picture is not None:
        print_lines([f"picture: {picture}"], on)
