"""The texts of a submission: what they hold is read back, what they tell to type is understood."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from dse.cli import dse
from dse.config import yaml_reader
from dse.core.configuration import Configuration
from dse.core.details import OfficialDetails
from dse.core.measurement import Measurement, Outcome, Source
from dse.core.metrics import METRICS_OF, Scenario
from dse.models.manifest import manifest_of
from dse.space.plan import resolve
from dse.space.reading import read_space
from dse.study.record import Record
from dse.submission import _readmes
from dse.submission.evidence import Evidence, SubmittedRun
from dse.tasks import registry
from dse.tasks.image_classification.models.manifest_entry import ImageEntry
from dse.tasks.image_classification.preprocessing import Preprocessing
from tests.objectives import DEFAULT_OBJECTIVES
from tests.submission.evidence import CONFIGURATION, FILE, SHA256, Files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.configuration import KnobValue

TASK = registry.task(registry.DEFAULT)
CONFIGURATIONS = [
    CONFIGURATION,
    replace(CONFIGURATION, batch_size=8, instances=2, pinned=True, knobs=(("xnnpack", False),)),
    Configuration(
        *(CONFIGURATION.model, "fp32", "openvino", 2, 4),
        (("inference_precision", "bf16"), ("performance_hint", "latency"), ("streams", 1)),
    ),
    Configuration("no", "fp32", "null", 1, 1, (("delay_ms", 1.5), ("fault", "none"))),
]


def run(
    mode: str, scenario: Scenario = Scenario.SINGLE_STREAM, **details: KnobValue
) -> SubmittedRun:
    metric = METRICS_OF[scenario] if mode == "performance" else "accuracy_percent"
    origin = {"model_file": FILE, "model_sha256": SHA256, "dataset": "0123456789abcdef" * 4}
    measurement = Measurement(
        *(metric, 12.5, "key", Source.MEASURED, "valid"),
        details={**origin, "mode": mode, **details},
    )
    user_conf = "*.SingleStream.target_latency = 0.500000000\n"
    return SubmittedRun(measurement, Path("run"), None, None, user_conf, "")


def result(scenario: Scenario, ran: Scenario | None = None) -> Evidence:
    ran = ran or scenario
    record = Record(0, CONFIGURATION, Outcome())
    both = run("performance", ran), run("accuracy", ran)
    return Evidence(record, scenario, ran, *both)


def readme(
    made: Evidence, *, environment: Mapping[str, str] | None = None, preview: bool = False
) -> str:
    return _readmes.result_readme(
        made, "model", "board", "1.2", environment or {}, TASK, preview=preview
    )


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
def test_the_space_is_of_this_one_configuration(
    tmp_path: Path, configuration: Configuration
) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(_readmes.space_of(configuration, DEFAULT_OBJECTIVES))
    space = read_space(file)
    assert space.objectives == DEFAULT_OBJECTIVES
    assert resolve(space, Files(), 4, 4).configurations == (configuration,)


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(128, dtype="uint8", label_offset=1),
        Preprocessing(
            *(96, "NCHW", "float32", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
            *(0.9, "bicubic"),
        ),
        Preprocessing(96, "NCHW", "float16", (127.5,) * 3, (127.5,) * 3),
        Preprocessing(96, "NHWC", "int8", (127.5,) * 3, (127.5,) * 3, quantisation=(0.02, -3)),
        Preprocessing(96, dtype="uint8", quantisation=(2.0, 10)),
    ],
)
def test_the_manifest_says_how_images_become_inputs(
    tmp_path: Path, preprocessing: Preprocessing
) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(
        _readmes.manifest_of(CONFIGURATION, run("performance"), preprocessing.as_dict(), TASK)
    )
    (entry,) = yaml_reader.read(file, manifest_of(ImageEntry)).models
    # The quantisation is the file's to tell.
    assert entry.preprocessing() == replace(preprocessing, quantisation=None)
    given = (entry.mean, entry.scale)
    raw = preprocessing.dtype == "uint8" and preprocessing.quantisation is None
    assert given == ((None, None) if raw else (preprocessing.mean, preprocessing.scale))
    assert (entry.name, entry.precision) == (CONFIGURATION.model, CONFIGURATION.precision)
    assert (entry.file, entry.sha256) == (FILE, SHA256)


@pytest.mark.parametrize("environment", [{}, {"ONEDNN_MAX_CPU_ISA": "SSE41", "A": "it's b"}])
def test_what_a_readme_tells_to_type_is_understood(environment: dict[str, str]) -> None:
    text = readme(result(Scenario.OFFLINE, Scenario.SINGLE_STREAM), environment=environment)
    install, *commands = re.findall(r"^(?:pip|dse) .*$", text, re.MULTILINE)
    assert install == "pip install 'mlperf-dse[all]==1.2'"
    assert [shlex.split(line)[1] for line in commands] == ["explore", "validate"]
    for line in commands:
        _, name, *arguments = shlex.split(line)
        command = dse.get_command(click.Context(dse), name)
        assert command is not None
        context = command.make_context(name, arguments, **dse.context_settings)
        assert isinstance(context, click.Context)
        if name == "explore":
            assert dict(context.params["environment"]) == environment
    assert "--scenario SingleStream" in commands[1]  # what was run, not what it stands for


def test_a_readme_names_the_runs() -> None:
    text = readme(result(Scenario.SINGLE_STREAM))
    assert text.startswith("# model, SingleStream\n\nResult not verified by MLCommons Association.")
    assert "| system | board |" in text
    assert "| batch size | 1 |" in text
    assert (
        f"- performance: SingleStream p90 latency 12.5 ms, model file `{FILE}` with SHA-256 "
        f"`{SHA256}`, images `0123456789abcdef`, "
        "`user.conf`: `*.SingleStream.target_latency = 0.500000000`\n"
    ) in text
    assert "- accuracy: top-1 accuracy 12.5 %, " in text
    assert text.count("user.conf") == 1
    assert "Inferred" not in text


@pytest.mark.parametrize(
    ("scenario", "ran", "words"),
    [
        (
            Scenario.MULTI_STREAM,
            Scenario.SINGLE_STREAM,
            "eight times LoadGen's early-stopping estimate of the 99th percentile",
        ),
        (Scenario.OFFLINE, Scenario.SINGLE_STREAM, "the inverse of the mean latency"),
        (Scenario.OFFLINE, Scenario.MULTI_STREAM, "eight over the mean latency of a query"),
    ],
)
def test_an_inferred_result_says_so(scenario: Scenario, ran: Scenario, words: str) -> None:
    text = readme(result(scenario, ran))
    assert (
        f"**Inferred**: {scenario.value} was not measured. The runs are those of {ran.value}"
        in text
    )
    assert words in text


@pytest.mark.parametrize("preview", [True, False])
def test_a_preview_says_first_what_it_is_not(preview: bool) -> None:
    origin = OfficialDetails(model_file=FILE, model_sha256=SHA256)
    for text in (
        readme(result(Scenario.OFFLINE), preview=preview),
        _readmes.model_readme("model", CONFIGURATION, "images", preview=preview),
        _readmes.source_readme("model", "board", CONFIGURATION, origin, "images", preview=preview),
    ):
        assert text.startswith("**PREVIEW. This is not a valid MLPerf result**") is preview
        assert ("PREVIEW" in text) is preview


@pytest.mark.parametrize(
    ("changes", "origin", "words"),
    [
        ({}, {"made_from": "it.onnx"}, "from `it.onnx`, as said above"),
        ({}, {}, "no; the quantised file was given to it"),
        ({"precision": "fp32"}, {}, "made by `dse`: no\n"),
        ({}, {"weights": "model garden"}, "weights: model garden"),
        ({}, {}, "weights: as the file has them"),
    ],
)
def test_the_source_of_a_model(changes: dict[str, Any], origin: dict[str, str], words: str) -> None:
    known = {"model_file": FILE, "model_sha256": SHA256, "weights": "", "made_from": ""}
    configuration = replace(CONFIGURATION, **changes)
    noted = OfficialDetails.of({**known, **origin})
    text = _readmes.source_readme("m", "board", configuration, noted, "images", preview=False)
    assert words in text
    assert f"`{FILE}`, SHA-256 `{SHA256}`" in text


def test_the_hash_of_a_model_in_several_files_is_said_to_be_of_all() -> None:
    found = result(Scenario.SINGLE_STREAM)
    assert found.performance is not None
    measurement = found.performance.measurement
    details = {**measurement.details, "model_data": "m.data"}
    run = replace(found.performance, measurement=replace(measurement, details=details))
    words = f"SHA-256 `{SHA256}` (of all its files: its weights lie in `m.data`)"
    assert readme(replace(found, performance=run)).count(f"with {words}, images") == 1
    apart = OfficialDetails(model_file=FILE, model_sha256=SHA256, model_data="m.data")
    text = _readmes.source_readme("m", "board", CONFIGURATION, apart, "images", preview=False)
    assert f"- file: `{FILE}`, {words}\n" in text
