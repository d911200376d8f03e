"""How much of the frontier the samplers find in how few measurements, on recorded tables.

    python -m benchmarks.search --table FILE ... [--samplers a,b] [--seeds N]
        [--budgets 0.05,0.1] [--warm-start] [--renamed nothing|files|new|family]
        [--json]
    python -m benchmarks.search --peers [--seeds N]

FILE is a table of the replay backend that holds every configuration of a space, a bundle of a study
that measured every configuration, or one of MLPerf's published results, in which each system with
all 81 variants of the catalogue is a table of its own (or each system, where none has them all).
Printed is the share of the whole table's hypervolume that is found with a share of its rows (a row
that failed counts) and with a share of the seconds that all of them take: the mean over the seeds,
its standard error, and in brackets the worst seed. Latency and throughput are taken in logarithms,
each objective is scaled to 0 to 1 over the table (1 is worst), the reference point is 1.1. The
seconds are modelled, see `benchmarks.laboratory.cost`.

The same seed gives the same figures in any number of processes. With ``--peers`` the samplers of
other projects search the recorded grid and published systems, and docs/search-peers.md gets the
figures: ``make bench-peers`` does that in an environment with what they need.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from benchmarks.laboratory import page, peers_page
from benchmarks.laboratory.contest import NAMES, Entry, contest, rows_of, whole_s
from benchmarks.laboratory.peers import GP, PEERS, require
from benchmarks.laboratory.renaming import TOLD
from benchmarks.laboratory.report import by_rows, by_seconds, records, table
from benchmarks.laboratory.studies import read_tables
from benchmarks.laboratory.tables import sources
from dse.core.errors import DseError, RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.laboratory.tables import Table, Values

BUDGETS = "0.05,0.1,0.2,0.3"
SEEDS = 20
MAX_SEEDS, MAX_PROCESSES = 10_000, 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        files: tables.
        samplers: names in `NAMES`.
        seeds: how many, from 0; with ``peers`` 0 stands for as many as the page has.
        budgets: shares of rows, above 0 up to 1.
        processes: how many at a time.
        every: also systems with other variants than the catalogue's 81.
        warm: what other systems' tables are handed over, see `contest.Entry.known`.
        told: what tells of the models, see `contest.Entry.told`.
        json: whether to print JSON.
        page: whether to write the page instead.
        peers: whether to write the page of other projects' samplers instead.
    """

    files: tuple[Path, ...]
    samplers: tuple[str, ...]
    seeds: int
    budgets: tuple[float, ...]
    processes: int
    every: bool
    warm: str
    told: str
    json: bool
    page: bool
    peers: bool


class Parser(argparse.ArgumentParser):
    """Complains in one line."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(message, remedy="'--help' shows all options")


def requested(arguments: Sequence[str] | None) -> Request:
    """What the command line asks for.

    Raises:
        RequestError: it is wrong; names the option.
    """
    options = _parser().parse_args(arguments)
    samplers = _samplers(options.samplers)
    if not (options.table or options.page or options.peers):
        raise RequestError("no table is named", field="--table", remedy="name a file or more")
    return Request(
        files=tuple(options.table),
        samplers=samplers,
        seeds=_seeds(options.seeds, peers=options.peers),
        budgets=tuple(map(_budget, options.budgets.split(","))),
        processes=_count("--processes", options.processes, MAX_PROCESSES),
        every=options.all_systems,
        warm=options.warm_start,
        told=options.renamed,
        json=options.json,
        page=options.page,
        peers=options.peers,
    )


def entries(request: Request) -> list[Entry]:
    """The searches to make.

    Raises:
        RequestError: a file can't be used.
    """
    found: list[Entry] = []
    names: set[str] = set()
    for file in request.files:
        tables = read_tables(file)
        for one in _searched(tables, every=request.every):
            if one.name in names:
                problem = f"another table is called {one.name}, too"
                raise RequestError(problem, file=file, field="--table", remedy="rename the file")
            names.add(one.name)
            known = sources(one, tables, unseen=request.warm == "unseen") if request.warm else []
            found += _of_table(request, one, known)
    return found


def _of_table(request: Request, one: Table, known: Sequence[Values]) -> list[Entry]:
    most = max(request.budgets)
    rows = rows_of(most, len(one.outcomes))
    seconds = 0.0 if request.json else most * whole_s(one)
    return [
        Entry(one, sampler, seed, rows, seconds, known, request.warm, request.told)
        for sampler in request.samplers
        for seed in range(request.seeds)
    ]


def _searched(tables: Sequence[Table], *, every: bool) -> Sequence[Table]:
    """The tables of a file that samplers search: the rest is known to warm starts only."""
    complete = [one for one in tables if one.complete]
    return tables if every or not complete else complete


def _parser() -> Parser:
    parser = Parser(
        prog="search", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = ",".join(page.default_samplers())
    parser.add_argument(
        "--table", type=Path, nargs="+", action="extend", default=[], metavar="FILE"
    )
    parser.add_argument("--samplers", default=every, help=f"of {', '.join(NAMES)}; default {every}")
    parser.add_argument("--seeds", help=f"how many; default {SEEDS}, of --peers as its page has")
    parser.add_argument("--budgets", default=BUDGETS, help=f"shares of rows; default {BUDGETS}")
    parser.add_argument(
        "--warm-start",
        nargs="?",
        choices=("others", "unseen"),
        const="others",
        default="",
        help="hand over the other systems of the same file, or only those with other processors; "
        "samplers that make no use of them search as without",
    )
    parser.add_argument(
        "--renamed",
        choices=[told for told in TOLD if told],
        default="",
        help="with names that tell nothing: then nothing is known of the models, or what their "
        "files tell, or what these would if their architectures, or families, were new",
    )
    parser.add_argument(
        "--all-systems", action="store_true", help="also those with other variants than the 81"
    )
    parser.add_argument(
        "--processes", default=str(os.cpu_count() or 1), help="at a time; default all CPUs"
    )
    parser.add_argument("--json", action="store_true", help="print a list of objects")
    parser.add_argument(
        "--page",
        action="store_true",
        help=f"write the figures of docs/search.md; with {GP} its own only",
    )
    parser.add_argument(
        "--peers",
        action="store_true",
        help=f"write the figures of docs/search-peers.md, which has {', '.join(PEERS)}",
    )
    return parser


def _seeds(text: str | None, *, peers: bool) -> int:
    """How many there are; 0 where the page of peers has its own number of them."""
    if text is None:
        return 0 if peers else SEEDS
    return _count("--seeds", text, MAX_SEEDS)


def _samplers(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in NAMES:
            remedy = f"there are {', '.join(NAMES)}"
            raise RequestError(f"unknown sampler '{name}'", field="--samplers", remedy=remedy)
        if name in PEERS:
            require(name)
    return names


def _count(option: str, text: str, most: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    if not 1 <= number <= most:
        raise RequestError(
            f"'{text}' is not a number", field=option, remedy=f"give one of 1 to {most}"
        )
    return number


def _budget(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        remedy = "give shares above 0 up to 1, such as 0.05,0.1"
        raise RequestError(f"'{text}' is no share", field="--budgets", remedy=remedy)
    return share


def run(request: Request) -> None:
    """Makes the searches and prints what they found."""
    if request.peers:
        peers_page.write(request.seeds, request.processes)
        return
    if request.page:
        page.write(request.samplers, request.seeds, request.processes)
        return
    runs = list(contest(entries(request), request.processes))
    if request.json:
        text = json.dumps(records(runs, request.budgets), indent=1)
    else:
        tables = ((by_rows, "rows"), (by_seconds, "seconds"))
        text = "\n\n".join(table(runs, request.budgets, found, of) for found, of in tables)
    sys.stdout.write(f"{text}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 the work failed, 2 the request was wrong, told in one line."""
    try:
        run(requested(arguments))
    except DseError as error:
        sys.stderr.write(f"search: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
