"""``dse models``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dse.cli.options import json_option
from dse.cli.output import write_line
from dse.core.wording import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dse.tasks.published_models import Catalogue, FetchedModel

PRECISIONS = ("fp32", "int8")
CLASSIFIERS = "image-classification"
"""The task whose models have pictures as inputs; the others are encoders."""
_MEBI = 1 << 20


@click.group()
def models() -> None:
    """List the models that dse knows, download their files, and describe your own."""


@models.command("list")
@json_option
def list_models(*, as_json: bool) -> None:
    """List the models that are known by name, task by task.

    Top-1 accuracy and F1 are the published figures of the trained models; MACs are
    multiply-accumulate operations per image. Of pruned encoders those with a published F1 are
    listed; --json lists all.

    \b
    Examples:
      dse models list
      dse models list --json
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.next_step import print_next
    from dse.tasks.registry import catalogues

    rows = {task: catalogue.rows() for task, catalogue in catalogues().items()}
    if as_json:
        # Who reads `models` expects classifiers alone.
        classifiers = rows.pop(CLASSIFIERS)
        click.echo(json.dumps({"models": classifiers, **rows}))
        return
    for task, own in rows.items():
        write_line(f"{task}:")
        for line in _classifier_lines(own) if task == CLASSIFIERS else _encoder_lines(own):
            write_line(line)
    print_next("dse models fetch --output models")


def _classifier_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    widths = (-31, -17, 5, 4, 9, 10, 9, 9)
    head = ("model", "family", "width", "px", "MACs [M]", "params [M]", "fp32 [%]", "int8 [%]")
    yield _line(head, widths)
    for row in rows:
        cells = (
            *(row["name"], row["family"], f"{row['width']:g}", str(row["resolution"])),
            *(f"{row['macs_millions']:.1f}", f"{row['parameters_millions']:.2f}", *_percents(row)),
        )
        yield _line(cells, widths)


def _encoder_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    widths = (-31, 6, 5, 9, 9)
    yield _line(("model", "layers", "width", "fp32 [%]", "int8 [%]"), widths)
    for row in rows:
        if row["published_percent"] or not row["zeros_percent"]:
            sizes = (str(row["layers"]), str(row["width"]))
            yield _line((row["name"], *sizes, *_percents(row)), widths)


def _percents(row: Mapping[str, Any]) -> Iterator[str]:
    """The published quality in each precision."""
    for precision in PRECISIONS:
        percent = row["published_percent"].get(precision)
        yield "-" if percent is None else f"{percent:.2f}"


@models.command()
@click.argument("name", metavar="NAME")
@json_option
def show(name: str, *, as_json: bool) -> None:
    """Show the inputs, published quality and files of a model.

    \b
    Examples:
      dse models show mobilenet-v1-0.25-128
      dse models show bert-large
      dse models show efficientnet-lite0 --json
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.tasks.registry import model_details

    task, details = model_details(name)
    if as_json:
        click.echo(json.dumps(details))
        return
    for line in _about_classifier(details) if task == CLASSIFIERS else _about_encoder(details):
        write_line(line)


def _about_classifier(details: Mapping[str, Any]) -> Iterator[str]:
    for field in ("name", "family", "flavour", "width", "depth", "resolution", "classes"):
        if details[field] != "":
            yield f"{field}: {details[field]}"
    yield f"MACs: {details['macs_millions']:.1f} million per image"
    yield f"parameters: {details['parameters_millions']:.2f} million"
    pixels = details["preprocessing"]
    yield f"crop: central {100 * pixels['crop']:g} %, {pixels['interpolation']}"
    mean, scale = _channels(pixels["mean"]), _channels(pixels["scale"])
    yield f"fp32 input: (pixel - {mean}) / {scale}"
    background = " (score 0 is a background class)" if pixels["label_offset"] else ""
    yield f"label offset: {pixels['label_offset']}{background}"
    for precision, published in details["published"].items():
        yield f"{precision}: top-1 {published['percent']:.3f} % ({published['source']})"
        if published["url"] is None:
            yield f"{precision}: no file to download that runs here"
        else:
            yield f"{precision}: {published['member']} of {published['url']}"


def _about_encoder(details: Mapping[str, Any]) -> Iterator[str]:
    for field in ("name", "layers", "width", "heads", "inner"):
        yield f"{field}: {details[field]}"
    if details["zeros_percent"]:
        yield f"zeros: {details['zeros_percent']} %, in blocks of {details['zeros_block']}"
    yield f"inputs: {', '.join(details['inputs'])}"
    yield f"sequence length: {details['sequence_length']}"
    for precision, published in details["published"].items():
        yield f"{precision}: F1 {published['percent']:.3f} % ({published['source']})"
        yield f"{precision}: {published['url'] or 'no file to download'}"


def _channels(values: Sequence[float]) -> str:
    """One number, or those of red, green and blue where they differ."""
    shown = [f"{value:g}" for value in values]
    return shown[0] if len(set(shown)) == 1 else f"[{', '.join(shown)}]"


@models.command()
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for the files and their models.yaml.",
)
@click.option(
    "--precision",
    "precisions",
    type=click.Choice(PRECISIONS),
    multiple=True,
    help="Download only this precision [default: both]. Can be given twice.",
)
@click.option(
    "--mirror",
    metavar="URL",
    help="Download from URL/<host>/<path> instead of https://<host>/<path>.",
)
def fetch(
    patterns: tuple[str, ...], output: Path, precisions: tuple[str, ...], mirror: str | None
) -> None:
    """Download the published files of models.

    PATTERN is a shell pattern of names; without one, all image classifiers are downloaded.
    bert-large is MLPerf's model for questions, with its vocabulary. Undamaged files are not
    downloaded again, and a broken download continues where it stopped. The SHA-256 of each archive
    and each file is recorded in DIR/models.yaml at the first download, and checked from then on.
    'dse explore SPACE --models DIR' uses the folder.

    \b
    Examples:
      dse models fetch --output models
      dse models fetch 'mobilenet-v3-*' --precision int8 --output models
      dse models fetch bert-large --precision fp32 --output reference
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.tasks.registry import published_models

    published = published_models(patterns)
    results = _fetch(published, patterns, precisions, output, mirror)
    new = sum(result.new_bytes > 0 for result in results)
    refused = [result for result in results if result.error]
    there = len(results) - new - len(refused)
    write_line(f"{output}: {format_count(new, 'file')} fetched, {there} there already")
    if refused:
        from dse.core.errors import DseError

        first = refused[0]
        more = f"{len(refused)} of {len(results)} files were not fetched, the first: "
        start = more if len(refused) > 1 else ""
        raise DseError(f"{start}{first.wanted}: {first.error}")
    from dse.commands.next_step import print_next

    print_next(published.next_command.format(folder=shlex.quote(str(output))))


@models.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write to this file [default: DIR/models.yaml].",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
def describe(folder: Path, output: Path | None, *, force: bool) -> None:
    """Write the models.yaml of your own model files in DIR.

    It contains what the .onnx and .tflite files declare: type, layout and size of the input, number
    of classes, label offset, precision; of models for questions their length. Files that differ
    only in precision or format become one model. What no file declares, such as mean and scale or
    the vocabulary, is left empty and listed for you to fill in.

    \b
    Examples:
      dse models describe my-models
      dse models describe my-models --output draft.yaml
      dse models describe my-models --force
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.models_describe import run
    from dse.tasks.registry import catalogues

    run(folder, output, [one.describer for one in catalogues().values()], force=force)


def _fetch(
    published: Catalogue,
    patterns: Sequence[str],
    precisions: Sequence[str],
    output: Path,
    mirror: str | None,
) -> list[FetchedModel]:
    """Downloads, and shows how it goes on stderr."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from dse.commands.console import console as make_console
    from dse.commands.console import print_lines

    console = make_console(stderr=True)
    words = TextColumn("{task.description}", markup=False)
    columns = (words, BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    results: list[FetchedModel] = []
    with bar:
        task = bar.add_task("", total=None)

        def progress(archive: str, done: int, total: int | None) -> None:
            bar.update(task, description=archive, completed=done, total=total)

        for result in published.fetch(patterns, precisions, output, mirror, progress):
            results.append(result)
            print_lines([_outcome(result)], console)
    return results


def _outcome(result: FetchedModel) -> str:
    if result.error is not None:
        return f"{result.wanted}: not fetched: {result.error}"
    if not result.new_bytes:
        return f"{result.wanted}: there already"
    return f"{result.wanted}: fetched, {result.new_bytes / _MEBI:.1f} MiB"


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    """Cells in columns, those of a negative width aligned to the left."""
    pairs = zip(cells, widths, strict=True)
    return "  ".join(f"{cell:{'<' if width < 0 else '>'}{abs(width)}}" for cell, width in pairs)
