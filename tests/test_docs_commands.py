"""Every command of README and docs is run; one that `WAYS` does not know fails."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from dse.cli import dse, run
from dse.tasks.image_classification.fetching.fetch import choose
from tests import any_models, small_models
from tests.commandline import Command, command, folder_in_memory, here, tmp_path
from tests.documented import PAGES, ROOT, Shown, commands, inline, options
from tests.documented_ways import WAYS, Way
from tests.download.publications import archives
from tests.download.servers import Site, serve
from tests.help_pages import inner
from tests.replays import write_space, write_table
from tests.results.tables import BERT_OFFLINE, write_bert, write_published
from tests.submission.evidence import TOLD, Data, write_study
from tests.submission.test_checkers import clone
from tests.validate.conftest import write_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark import ParameterSet

    from tests.documented_ways import Kind

__all__ = ["command", "here", "tmp_path"]

SHOWN = {shown.text: shown for page in PAGES for shown in commands(page)}
OTHER_OPTIONS = {
    *("--cpus", "--cpuset-cpus", "--cpunodebind", "--membind", "--version"),
    *("--page", "--peers", "--renamed", "--table", "--write"),
}
"""Of docker, of numactl and of MLPerf's checkers; of this project's benchmarks."""
SMALL = {"models": "mobilenet-v1-0.25-128", "threads": 1, "batch_sizes": 4}
NULL = {"null": {"delay_ms": 1.0}}
BROKEN = "models: all\nbackends:\n  litert:\n    xnpack: true\n"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Holds what commands need, to be copied."""
    with folder_in_memory(tmp_path_factory) as folder:
        yield folder


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    """A server on this machine with small models in the place of published ones."""
    whole = choose(["mobilenet-v1-0.25-128", "resnet50-v1.5"])
    wanted = [*whole, *choose(["mobilenet-v3-*"], ["int8"])]
    with pytest.MonkeyPatch.context() as patch, serve(Site(files=archives(wanted))) as site:
        patch.setenv("no_proxy", "*")
        yield site.url


@pytest.fixture(scope="module")
def pantry(kept: Path, mirror: str) -> Path:
    """The files that commands name, and the studies that some of them begin with."""
    folder = kept / "pantry"
    folder.mkdir()
    write_inputs(folder)
    (folder / "images").rename(folder / "IMAGES")
    (folder / "models").rename(folder / "MODELS")
    (folder / "DIR").symlink_to("MODELS")
    (folder / "system.yaml").write_text(TOLD)
    (folder / "bad.yaml").write_text(BROKEN)
    write_table(folder)
    (folder / "model.onnx").symlink_to(any_models.write(folder, any_models.audio))
    (folder / "model.tflite").write_bytes(small_models.tflite_bytes())
    any_models.write(folder, any_models.bert)
    (folder / "decoder.onnx").symlink_to(any_models.write(folder, any_models.stepping))
    write_published(folder / "results.csv", [{}])
    write_bert(folder / "bert.csv", [BERT_OFFLINE])
    (folder / "facts.yaml").write_text("price_per_hour: 0.1\n")
    write_space(folder, "my-space")
    write_space(folder, "space", **{**SMALL, "models": "m"}, backends=["onnxruntime"])
    write_space(folder, "explored", **SMALL, backends=NULL)
    write_space(folder, "fetched", **SMALL, backends=["litert"])
    write_space(folder, "with images", **{**SMALL, "models": "m"}, backends=NULL)
    data = Data(kept)
    data.make()
    write_study(folder / "studies" / "valid", data)
    images = ["--models", "MODELS", "--dataset", "IMAGES", "--study", "with-images"]
    once = ["--settle", "0"]
    one = ["mobilenet-v1-0.25-128", "--output", "models", "--mirror", mirror]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DSE_CACHE_DIR", str(kept / "cache"))
        assert run(["explore", "explored.yaml", *once]) == 0
        assert run(["explore", "with images.yaml", *images, *once]) == 0
        assert run(["models", "fetch", *one]) == 0
    return folder


@pytest.fixture(scope="module")
def venv(kept: Path) -> Path:
    """This Python's environment, as the Makefile would have made it just now."""
    folder = kept / "venv"
    folder.mkdir()
    (folder / "bin").symlink_to(Path(sys.executable).parent)
    (folder / ".ready").touch()
    return folder


def test_every_command_has_a_way_and_every_way_a_command() -> None:
    assert set(SHOWN) - set(WAYS) == set(), "tests/documented_ways.py does not know how to run it"
    assert set(WAYS) - set(SHOWN) == set(), "no page shows it any more"
    changed = {text: way for text, way in WAYS.items() if way.skip or way.instead or way.more}
    assert [text for text, way in changed.items() if not way.why] == []


@pytest.fixture
def models_built_once(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that commands share."""
    monkeypatch.setenv("DSE_CACHE_DIR", str(kept / "cache"))


def _command_of(words: tuple[str, ...]) -> tuple[click.Command, list[str]]:
    """The command that some words call, and what is left of them."""
    found: click.Command = dse
    rest = list(words[1:])
    while isinstance(found, click.Group) and rest and rest[0] in inner(found):
        found = inner(found)[rest.pop(0)]
    assert found is not dse or not rest or rest[0].startswith("-"), f"no such command: {words}"
    return found, rest


def _by_command() -> Iterator[ParameterSet]:
    """Each text; all but the first use of a command are marked."""
    met: list[object] = []
    for text in filter(WAYS.__contains__, SHOWN):
        words = SHOWN[text].words
        used = _command_of(words)[0] if words[0] == "dse" else words[:2]
        yield pytest.param(text, marks=[pytest.mark.long] if used in met else [])
        met.append(used)


@pytest.mark.usefixtures("models_built_once")
@pytest.mark.parametrize("text", [*_by_command()])
def test_it_runs(
    text: str, command: Command, here: Path, pantry: Path, venv: Path, mirror: str
) -> None:
    shown, way = SHOWN[text], WAYS[text]
    _check_words(shown)
    if way.skip:
        pytest.skip(way.why)
    _set_the_table(here, pantry, way)
    places = {"root": str(ROOT), "here": str(here), "venv": str(venv), "mirror": mirror}
    words = shlex.split(way.instead.format(**places)) or [*shown.words, *shlex.split(way.more)]
    code, output = _run(words, command)
    assert code == way.code, output
    if way.exact:
        assert tuple(output.splitlines()) == shown.output


def _set_the_table(here: Path, pantry: Path, way: Way) -> None:
    """Copies what a command needs into the working folder and beside it."""
    left_out = shutil.ignore_patterns("studies")
    shutil.copytree(pantry, here, dirs_exist_ok=True, symlinks=True, ignore=left_out)
    kinds: dict[Kind, str] = {"with images": "with-images"}
    for name, kind in way.studies.items():
        shutil.copytree(pantry / "studies" / kinds.get(kind, kind), here / "studies" / name)
    clone(here.parent).rename(here.parent / "inference")


def _run(words: list[str], command: Command) -> tuple[int, str]:
    """Gives a command; returns its exit code and all that it prints."""
    if words[0] == "dse":
        answer = command(*words[1:])
        return answer.code, answer.out + answer.err
    program = sys.executable if words[0] == "python" else words[0]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [program, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def _check_words(shown: Shown) -> None:
    """Checks what can be told of a command without running it."""
    if shown.words[0] == "dse":
        found, rest = _command_of(shown.words)
        # With the settings of the program: a command keeps the help option of its first context.
        found.make_parser(click.Context(found, **dse.context_settings)).parse_args(rest)
    elif shown.words[0] == "pip":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        extras = re.findall(r"\[([a-z,]+)\]", shown.text)
        named = {name for group in extras for name in group.split(",")}
        assert named <= set(project["optional-dependencies"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_prose_calls_a_command_is_one(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in inline(page):
        if words[0] == "make":
            assert words[1] in targets, words
            continue
        found, rest = _command_of(words)
        known = {option for parameter in found.params for option in parameter.opts}
        named = {word for word in rest if word.startswith("-")}
        assert named <= known | {"--help", "--version"}, words


def test_every_option_that_prose_names_exists() -> None:
    known = set(OTHER_OPTIONS)
    waiting: list[click.Command] = [dse]
    while waiting:
        each = waiting.pop()
        known |= {o for p in each.params for o in (*p.opts, *p.secondary_opts)}
        waiting += inner(each).values() if isinstance(each, click.Group) else []
    unknown = {page.name: options(page) - known for page in PAGES}
    assert {name: named for name, named in unknown.items() if named} == {}
