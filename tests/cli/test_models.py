"""``dse models``: the catalogue, and the published files from a mirror on this machine."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dse.tasks.image_classification.fetching.fetch import Wanted, choose
from dse.tasks.image_classification.fetching.urls import published_files
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.question_answering._architectures import ENCODERS
from dse.tasks.question_answering.catalogue import FILES
from tests.commandline import PATIENCE_S, read_until, start
from tests.download.publications import archives, model_of, path_of
from tests.download.servers import Site, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.commandline import Command

V1 = Wanted("mobilenet-v1-0.25-128", "int8")
V3 = Wanted("mobilenet-v3-small", "int8")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "*")
    with serve(Site()) as running:
        yield running


def test_the_list_has_the_models_of_both_tasks(command: Command) -> None:
    listed = json.loads(command.good("models", "list", "--json").out)
    assert list(listed) == ["models", "question-answering"]
    found = listed["models"]
    assert [row["name"] for row in found] == list(CATALOGUE)
    for row in found:
        known = CATALOGUE[row["name"]]
        assert row["published_percent"] == {p: one.value for p, one in known.published.items()}
        assert (row["family"], row["width"]) == (known.family, known.width)
        assert row["resolution"] == known.resolution
    by_name = {row["name"]: row for row in found}
    # As published with the models: 569 and 300 million MACs, 4.24 and 3.47 million parameters.
    assert round(by_name["mobilenet-v1-1.0-224"]["macs_millions"]) == 569
    assert round(by_name["mobilenet-v2-1.0-224"]["macs_millions"]) == 301
    assert round(by_name["mobilenet-v1-1.0-224"]["parameters_millions"], 1) == 4.2
    text = command.good("models", "list").out
    first, second, encoders = text.partition("question-answering:\n")
    assert second
    title, head, *lines = first.splitlines()
    assert title == "image-classification:"
    assert head.split()[:2] == ["model", "family"]
    assert [line.split()[0] for line in lines] == list(CATALOGUE)
    assert len({len(line) for line in (head, *lines)}) == 1
    assert lines[0].split()[-2:] == ["44.12", "42.35"]
    assert by_name["mobilenet-v3-small-minimalistic"]["published_percent"].keys() == {"fp32"}
    assert lines[-1].split() == [
        *("resnet50-v1.5", "resnet", "1", "224", "4089.2", "25.53", "76.46", "75.79")
    ]
    _hold_encoders(encoders.splitlines(), listed["question-answering"])


def _hold_encoders(lines: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """All of them are in the JSON, the dense ones and those with an F1 in the text."""
    assert [row["name"] for row in rows] == list(ENCODERS)
    for row in rows:
        known = ENCODERS[row["name"]]
        assert row["published_percent"] == {p: one.value for p, one in known.published.items()}
        assert (row["layers"], row["width"]) == (known.layers, known.width)
        assert (row["zeros_percent"], row["zeros_block"]) == astuple(known.pruning)
    shown = [n for n, one in ENCODERS.items() if one.published or not one.pruning.percent]
    head, *lines = lines
    assert head.split() == ["model", "layers", "width", "fp32", "[%]", "int8", "[%]"]
    assert [line.split()[0] for line in lines] == shown
    assert len({len(line) for line in (head, *lines)}) == 1
    assert lines[0].split() == ["bert-large", "24", "1024", "90.87", "90.07"]
    assert lines[-1].split() == ["bert-tiny", "2", "128", "-", "-"]


@pytest.mark.parametrize("name", CATALOGUE)
def test_show_says_all(command: Command, name: str) -> None:
    found = json.loads(command.good("models", "show", name, "--json").out)
    known = CATALOGUE[name]
    assert found["name"] == name
    assert found["classes"] == known.classes
    assert found["preprocessing"]["mean"] == list(known.preprocessing.mean)
    assert found["preprocessing"]["label_offset"] == known.preprocessing.label_offset
    text = command.good("models", "show", name).out
    for precision, published in found["published"].items():
        assert published["percent"] == known.published[precision].value
        assert published["source"] == known.published[precision].source
        assert f"{precision}: top-1 {published['percent']:.3f} %" in text
        if (name, precision) in published_files():
            assert published["url"].startswith("https://")
            assert f"{precision}: {published['member']} of {published['url']}" in text
        else:
            assert (published["url"], published["member"]) == (None, None)
            assert f"{precision}: no file to download that runs here" in text


def test_show_says_what_differs_from_channel_to_channel(command: Command) -> None:
    lines = command.good("models", "show", "resnet50-v1.5").out.splitlines()
    assert "crop: central 87.5 %, area" in lines
    assert "fp32 input: (pixel - [123.68, 116.78, 103.94]) / 1" in lines
    lines = command.good("models", "show", "efficientnet-lite0").out.splitlines()
    assert "fp32 input: (pixel - 127) / 128" in lines


def test_show_says_all_of_an_encoder(command: Command) -> None:
    lines = command.good("models", "show", "bert-large").out.splitlines()
    assert lines[:2] == ["name: bert-large", "layers: 24"]
    assert "inputs: input_ids, attention_mask, token_type_ids" in lines
    assert "fp32: F1 90.874 % (MLPerf Inference, reference model)" in lines
    assert lines[-1] == f"int8: {FILES[1].url}"
    lines = command.good("models", "show", "mobilebert-14-sparse50-block4").out.splitlines()
    assert "zeros: 50 %, in blocks of 4" in lines
    assert lines[-1] == "int8: no file to download"
    found = json.loads(command.good("models", "show", "bert-tiny", "--json").out)
    assert (found["sequence_length"], found["published"]) == (384, {})


def test_fetch_and_fetch_again(command: Command, here: Path, site: Site) -> None:
    site.files = archives([V1, V3])
    words = ("models", "fetch", V1.model, V3.model, "--precision", "int8", "--output", "m")
    answer = command.good(*words, "--mirror", site.url)
    assert answer.out == "m: 2 files fetched, 0 there already\n"
    assert [line.partition(", ")[0] for line in answer.err.splitlines()] == [
        f"{V1}: fetched",
        f"{V3}: fetched",
        "next: dse explore mobilenets-efficientnets --models m",
    ]
    assert (here / "m" / V1.file).read_bytes() == model_of(V1)
    answer = command.good(*words, "--mirror", site.url)
    assert answer.out == "m: 0 files fetched, 2 there already\n"
    assert len(site.requests) == 2


def test_one_missing_file_is_named(command: Command, site: Site) -> None:
    words = ("models", "fetch", V1.model, "--precision", "int8", "--output", "m")
    answer = command(*words, "--mirror", site.url)
    assert answer.code == 1
    assert answer.last.startswith(f"dse: {V1}: 127.0.0.1:")
    assert "has no such file (404)" in answer.last
    assert path_of(V1.url) in answer.last


def test_several_missing_files_are_told_and_the_others_fetched(
    command: Command, here: Path, site: Site
) -> None:
    site.files = archives([V3])
    words = ("models", "fetch", "mobilenet-v1-0.25-*", V3.model, "--precision", "int8")
    answer = command(*words, "--output", "m", "--mirror", site.url)
    assert answer.code == 1
    assert answer.out == "m: 1 file fetched, 0 there already\n"
    assert answer.last.startswith(f"dse: 4 of 5 files were not fetched, the first: {V1}: ")
    assert len([line for line in answer.err.splitlines() if ": not fetched: " in line]) == 4
    assert (here / "m" / V3.file).is_file()


def test_offline_is_one_line_that_names_the_host(command: Command, site: Site) -> None:
    url = site.url
    site.troubles[path_of(V1.url)] = ["503"] * 9
    words = ("models", "fetch", V1.model, "--precision", "int8", "--output", "m")
    answer = command(*words, "--mirror", url)
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert line.startswith(f"dse: {url.removeprefix('http://')} answered 503; check")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fetch", "nope", "--output", "m"], "unknown model 'nope'; 'dse models list' shows all"),
        (["fetch", "mobilenet-v3-smal", "--output", "m"], "did you mean mobilenet-v3-small"),
        (["fetch", V1.model], "Missing option '--output'"),
        (["fetch", "--output", "m", "--precision", "int4"], "'int4'"),
        (
            ["fetch", "--output", "m", "--mirror", "ftp://m"],
            "--mirror: 'ftp://m' is not the address",
        ),
        (["fetch", "--output", "file"], "file: --output: is not a folder"),
        (["fetch", "--output", "bad"], "bad/models.yaml:1: models: expected a list"),
        (["fetch", "bert-lage", "--output", "m"], "'bert-lage'; did you mean bert-large?"),
        (["fetch", "bert-base", "--output", "m"], "no file of 'bert-base' is published; explore"),
        (["fetch", "bert-large", "mobilenet*", "--output", "m"], "models of several tasks; fetch"),
        (["show", "mobilenet-v3-larg"], "did you mean mobilenet-v3-large"),
        (["show", "distilber"], "unknown model 'distilber'; did you mean distilbert"),
        (["show"], "NAME"),
        (["lst"], "lst"),
    ],
)
def test_what_is_wrong_is_one_line(
    command: Command, here: Path, words: list[str], told: str
) -> None:
    (here / "file").touch()
    (here / "bad").mkdir()
    (here / "bad" / "models.yaml").write_text("models: 3\n")
    answer = command("models", *words)
    assert answer.code == 2
    assert answer.out == ""
    (line,) = answer.err.splitlines()
    assert line.startswith("dse: ")
    assert told in line
    assert not (here / "m").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_stdout_is_one_line() -> None:
    with Path("/dev/full").open("w") as full, start("models", "list", stdout=full) as process:
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (1, "dse: No space left on device\n")


def test_ctrl_c_is_one_line_and_the_same_command_goes_on(
    command: Command, here: Path, site: Site
) -> None:
    site.files = archives([V1, V3])
    site.troubles[path_of(V3.url)] = ["mute"]
    options = ("--precision", "int8", "--output", "m", "--mirror", site.url)
    words = ("models", "fetch", V1.model, V3.model, *options)
    with start(*words) as process:
        assert read_until(process, "fetched")
        while len(site.requests) < 2:
            time.sleep(0.01)
        # One that comes in the midst of a callback Python itself ignores: so not just one.
        for _ in range(30):
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                _, err = process.communicate(timeout=PATIENCE_S / 30)
                break
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("dse: interrupted")
    answer = command.good(*words)
    assert answer.out == "m: 1 file fetched, 1 there already\n"
    assert sorted(path.name for path in (here / "m").glob("*.tflite")) == [V1.file, V3.file]


SPACE = """\
models: all
precisions: [fp32, int8]
backends: [litert]
threads: 1
batch_sizes: 1
objectives: [latency_p90_ms]
"""


@pytest.mark.long
def test_all_82_explore_like_any_folder(command: Command, here: Path, site: Site) -> None:
    site.files = archives(choose())
    answer = command.good("models", "fetch", "--output", "all", "--mirror", site.url)
    assert answer.out == "all: 82 files fetched, 0 there already\n"
    (here / "each.yaml").write_text(SPACE)
    for space in ("each.yaml", "mobilenets-efficientnets"):
        answer = command.good("explore", "--settle", 0, space, "--models", "all", "--n-trials", 1)
        left_out = [line for line in answer.err.splitlines() if line.startswith("not run: litert")]
        # Those whose quantised form nobody published, or in another format.
        unpublished = ("mobilenet-v3-small-minimalistic", "resnet50-v1.5", "2 models")
        assert all(any(name in line for name in unpublished) for line in left_out)
        assert command.counts(Path(space).stem)[:2] == (1, 0)
    assert command.counts("each")[2] >= len(published_files()) - 1
