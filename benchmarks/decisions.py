"""Whether a frontier that rounds have decided can be trusted.

    python -m benchmarks.decisions aa [--studies 50] [--settle 40]
    python -m benchmarks.decisions power [--minutes 20] [--kinds delays,real]
    python -m benchmarks.decisions repeat [--runs 5] [--space quickstart] [--settle S]
    python -m benchmarks.decisions stability [--runs 10]
    python -m benchmarks.decisions simulate [--studies 200] [--seed 0]
    python -m benchmarks.decisions page

`aa` makes studies in which one model has two names: nothing may tell it from itself. `power` takes
rounds of rivals whose true ratio is known. `repeat` makes one exploration several times, and
`stability` that of a space in which single values decide by luck. `simulate` needs no quiet
machine: only the values are made up. `page` writes docs/deciding.md from what is stored.

Each stores what it has measured as JSON, in FOLDER (`--output`), a file for each study. It can be
stopped at any time: the same command goes on with what is missing, and where nothing is missing it
decides all that is stored anew.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from benchmarks.deciding import page, power, repeated, simulated, stored, twins
from benchmarks.deciding.exploring import EXPLORE
from benchmarks.deciding.stored import say
from dse.core.errors import DseError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_COUNT = 10_000


class Parser(argparse.ArgumentParser):
    """Complains in one line."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(message, remedy="'--help' shows all options")


def aa(options: argparse.Namespace) -> None:
    """Makes studies of twins."""
    folder = options.output / "aa"
    results = stored.made(
        folder, options.studies, lambda _, path: twins.make(path, options.settle, EXPLORE)
    )
    say(twins.text(twins.count(results)))


def measure_power(options: argparse.Namespace) -> None:
    """Takes rounds of rivals with known ratios."""
    for kind in options.kinds.split(","):
        if kind not in power.KINDS:
            remedy = f"known are {', '.join(power.KINDS)}"
            raise RequestError(f"'{kind}' is unknown", field="--kinds", remedy=remedy)
        file = options.output / "power" / f"{kind}.jsonl"
        rounds = power.record_rounds(file, kind, 60 * options.minutes)
        say(f"{kind}:\n{power.text(power.told(rounds))}")


def repeat(options: argparse.Namespace) -> None:
    """Makes one exploration several times."""
    folder = options.output / "repeat" / Path(options.space).stem
    results = stored.made(
        folder,
        options.runs,
        lambda _, path: repeated.make(path, options.space, options.settle, EXPLORE),
    )
    say(repeated.text([repeated.judge(each) for each in results]))


def stability(options: argparse.Namespace) -> None:
    """Makes the small exploration of docs/measuring.md several times."""
    results = stored.made(
        options.output / "stability",
        options.runs,
        lambda _, path: repeated.make(path, repeated.PINNED, None, EXPLORE),
    )
    say(repeated.text([repeated.judge(each) for each in results]))


def simulate(options: argparse.Namespace) -> None:
    """Simulates studies."""
    folder = options.output / "simulated"
    say(simulated.text(simulated.made(folder, options.studies, options.seed)))


def write_page(options: argparse.Namespace) -> None:
    """Writes the page from what is stored."""
    page.write(options.output)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 the work failed, 2 the request was wrong, told in one line."""
    try:
        options = _parser().parse_args(arguments)
        options.run(options)
    except DseError as error:
        sys.stderr.write(f"decisions: {error}\n")
        return error.exit_code
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="decisions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="WHAT")

    def command(name: str, run: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=run.__doc__)
        added.set_defaults(run=run)
        added.add_argument("--output", type=Path, default=stored.FOLDER, metavar="FOLDER")
        return added

    one = command("aa", aa)
    one.add_argument("--studies", type=_count, default=50)
    one.add_argument("--settle", type=_seconds, default=40.0, metavar="SECONDS")
    one = command("power", measure_power)
    one.add_argument("--minutes", type=_seconds, default=20.0)
    one.add_argument("--kinds", default=",".join(power.KINDS))
    one = command("repeat", repeat)
    one.add_argument("--runs", type=_count, default=5)
    one.add_argument("--space", default="quickstart")
    one.add_argument("--settle", type=_seconds, metavar="SECONDS")
    one = command("stability", stability)
    one.add_argument("--runs", type=_count, default=10)
    one = command("simulate", simulate)
    one.add_argument("--studies", type=_count, default=200)
    one.add_argument("--seed", type=int, default=0)
    command("page", write_page)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_COUNT:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 to {MAX_COUNT}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= MAX_COUNT:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0 up to {MAX_COUNT}")
    return value


if __name__ == "__main__":
    sys.exit(main())
