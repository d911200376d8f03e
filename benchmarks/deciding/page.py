"""Writes docs/deciding.md and its picture from what is stored; nothing is measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.deciding import machines, power, repeated, simulated, stored, twins
from benchmarks.deciding.relations import Verdict
from dse.core.errors import RequestError
from dse.core.wording import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.deciding.power import Told
    from benchmarks.deciding.repeated import Run

PAGE = Path(__file__).parents[2] / "docs" / "deciding.md"
DRAWN = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
"""Minutes of the curves, as far as a recording has two parts of that length."""
HEAD = """# Can decisions be trusted?

This page tests how often rounds decide wrongly. Rounds found:

{conclusions}

`python -m benchmarks.decisions page` writes this page from what the commands below have stored.
[Measuring](measuring.md#how-a-study-decides) describes how rounds decide a frontier.
"""
AA = """## One model under two names

`python -m benchmarks.decisions aa` made {count} on {machine}.
In each study one model has two names, and a larger model stands beside it. The twins do the same
work: a tie is right, and an order of the two is wrong, at whatever moment it was decided. The
intervals are those of the values themselves.

{table}
"""
POWER = """## Known ratios

`python -m benchmarks.decisions power` measured four rivals in rounds on {machine}.
Each pair is decided from disjoint parts of that time as if no other rivals existed; minutes and
rounds are those of the pair. The true ratio is that of the whole recording. Small differences need
more minutes, as the picture shows.

{kinds}

![decided](deciding.png)
"""
KIND = {
    "delays": "Sleeps of the null backend, of {ms:g} ms and up to a tenth longer:",
    "real": "{model} on ONNX Runtime, alone and with a fixed share of extra work after each call:",
}
REPEAT = """## The same exploration again

`python -m benchmarks.decisions repeat` explored `{space}` from nothing {count} on {machine}.
*Rounds* is the present rule. *Before* is the earlier rule, which compared the intervals of the
values, on the same measurements. *First values* is a frontier without repetitions.

{table}
"""
STABILITY = """## Where single values decide by luck

`python -m benchmarks.decisions stability` made a small study {count} on {machine}:
MobileNet V1 0.25/128 in fp32 and int8 on ONNX Runtime, one thread, pinned or not, with accuracy
and latency as objectives. Pinning changes little, so single values order the points by luck.

{table}
"""
SIMULATED = """## Simulated machines

`python -m benchmarks.decisions simulate` needs no quiet machine: only the values are made up. All
runs within some seconds share half of the variance (correlation time {common:g} s); each process
differs from the next (standard deviation {own:.0f} %), and {slow:.0f} % of them are slower by
{least:.0f} to {most:.0f} %. *Equal* points are the same in everything. *Mixed* points trade
accuracy for latency, in steps of {steps} %.

The first columns have the number of studies in which something untrue was decided after any round,
and the upper end of the 95 % interval of its share: an order, a tie of points that differ by more,
a point that dropped out for its ratios, or a point that was left out as most likely dominated.
*Open* is the share of the points that are in an open pair. *Ties* are the pairs of equal points
that ended as a tie, and *told* the pairs that differ by more than a tie and ended in an order.

{table}
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page.

    Attributes:
        conclusion: what it found, for the list at the top of the page.
        text: the section in Markdown.
    """

    conclusion: str
    text: str


def write(folder: Path, page: Path = PAGE) -> None:
    """Writes the page and the picture beside it.

    Args:
        folder: has the results.
        page: the file.

    Raises:
        RequestError: nothing is stored, or it can't be read.
    """
    sections = [made for made in _sections(folder, page.with_suffix(".png")) if made]
    if not sections:
        remedy = "measure something first; '--help' shows what"
        raise RequestError("holds no results", file=folder, remedy=remedy)
    head = HEAD.format(conclusions="\n".join(f"- {each.conclusion}" for each in sections))
    page.write_text("\n".join([head, *(each.text for each in sections)]), encoding="utf-8")


def _sections(folder: Path, picture: Path) -> list[Section | None]:
    return [
        _aa(folder / "aa"),
        _power(folder / "power", picture),
        *(_repeat(space) for space in sorted((folder / "repeat").glob("*"))),
        _stability(folder / "stability"),
        _simulated(folder / "simulated"),
    ]


def _aa(folder: Path) -> Section | None:
    results = stored.stored(folder)
    if not results:
        return None
    found = twins.count(results)
    count = format_count(len(results), "study", "studies")
    return Section(
        f"one model better under one of its two names in {found.false} of {found.studies} studies",
        AA.format(count=count, machine=results[0]["machine"], table=twins.text(found)),
    )


def _power(folder: Path, picture: Path) -> Section | None:
    files = {kind: folder / f"{kind}.jsonl" for kind in power.KINDS}
    known = {kind: power.read_rounds(file) for kind, file in files.items() if file.exists()}
    found = {kind: power.told(rounds) for kind, rounds in known.items()}
    found = {kind: told for kind, told in found.items() if told}
    if not found:
        return None
    kinds = []
    for kind, told in found.items():
        title = KIND[kind].format(ms=power.DELAY_MS, model=power.MODEL[0])
        kinds.append(f"{title}\n\n{power.text(told)}")
    draw({kind: power.told(known[kind], DRAWN) for kind in found}, picture)
    machine = stored.lines(files[next(iter(found))])[0]["machine"]
    verdicts = Counter[Verdict]()
    for each in chain.from_iterable(found.values()):
        verdicts.update(each.verdicts)
    return Section(
        f"a wrong order in {verdicts[Verdict.WORSE]} of {verdicts.total()} parts of recordings "
        f"with a known ratio, the right one in {verdicts[Verdict.BETTER]}",
        POWER.format(machine=machine, kinds="\n\n".join(kinds)),
    )


def _repeat(folder: Path) -> Section | None:
    results = stored.stored(folder)
    if not results:
        return None
    runs = [repeated.judge(each) for each in results]
    machine, count = results[0]["machine"], format_count(len(results), "time")
    table = repeated.text(runs)
    return Section(
        _agreement(f"`{folder.name}`", runs),
        REPEAT.format(space=folder.name, count=count, machine=machine, table=table),
    )


def _stability(folder: Path) -> Section | None:
    results = stored.stored(folder)
    if not results:
        return None
    runs = [repeated.judge(each) for each in results]
    machine, count = results[0]["machine"], format_count(len(results), "time")
    return Section(
        _agreement("a small space", runs),
        STABILITY.format(count=count, machine=machine, table=repeated.text(runs)),
    )


def _agreement(space: str, runs: Sequence[Run]) -> str:
    found = repeated.agreement([run.new for run in runs])
    return (
        f"opposite orders in {found.opposite} of {found.ordered} cases where two explorations of "
        f"{space} both decide"
    )


def _simulated(folder: Path) -> Section | None:
    results = stored.stored(folder)
    if not results:
        return None
    least, most = machines.SLOW
    studies = [course for each in results for course in each["courses"]]
    wrong = sum(bool(course["wrong"]) for course in studies)
    text = SIMULATED.format(
        common=machines.COMMON_S,
        own=100 * machines.OWN_SD,
        slow=100 * machines.SLOW_SHARE,
        least=100 * least,
        most=100 * most,
        steps=", ".join(f"{100 * (step - 1):.0f}" for step in machines.STEPS),
        table=simulated.text(results),
    )
    return Section(f"something untrue in {wrong} of {len(studies)} simulated studies", text)


def draw(known: dict[str, list[Told]], file: Path) -> None:
    """The share of the parts in which the true order is found, against their minutes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    panels = figure.subplots(1, len(known), sharey=True, squeeze=False)[0]
    for axes, (kind, found) in zip(panels, known.items(), strict=True):
        for metric in power.TIMED:
            style = "o-" if metric == power.TIMED[0] else "s--"
            for number, told in enumerate(_curves(found, metric)):
                label = f"{told[0].ratio:.3f}, {metric.partition('_')[0]}"
                x, y = [each.minutes for each in told], [_share(each) for each in told]
                axes.plot(x, y, style, color=f"C{number}", label=label)
        axes.set(title=kind, xlabel="minutes of two rivals", ylim=(-0.05, 1.05), xscale="log")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="x-small", title="true ratio", title_fontsize="x-small")
    panels[0].set(ylabel="share decided")
    figure.savefig(file, dpi=110)


def _curves(found: Sequence[Told], metric: str) -> list[list[Told]]:
    curves: dict[float, list[Told]] = {}
    for told in found:
        if told.metric == metric:
            curves.setdefault(told.ratio, []).append(told)
    return list(curves.values())


def _share(told: Told) -> float:
    return told.verdicts[Verdict.BETTER] / sum(told.verdicts.values())
