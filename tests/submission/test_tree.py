"""What stands where in a submission, from the results of a study."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from dse.commands.export import _check_accelerator
from dse.core.errors import DseError, RequestError
from dse.study.folder import StudyFolder
from dse.study.study import Study
from dse.submission.description import NO_ACCELERATOR
from dse.submission.evidence import gather
from dse.submission.names import PLAIN
from dse.submission.tree import SubmissionInfo, build, name_result
from dse.tasks.benchmark import Benchmark
from tests.submission.evidence import BOTH, CONFIGURATION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dse.commands.export import ExportRequest
    from dse.submission.evidence import Evidence
    from dse.submission.tree import Tree
    from tests.submission.copies import Copy

SYSTEM = "board_dse-cpu_litert-2.3.0_threads-1_batch-1_instances-1"
OTHER = "board_dse-cpu_litert-2.3.0_threads-1_batch-8_instances-1"
ABOUT = SubmissionInfo(
    submitter="Org",
    hardware="board",
    description={"other_software_stack": "", "sw_notes": "", "status": "available"},
    versions={"litert": "2.3.0"},
    objectives=("accuracy_percent", "latency_p90_ms"),
    retraining="no",
    preview=False,
    benchmark=Benchmark.of(),
)


@pytest.fixture
def results(copied: Callable[[str], Copy]) -> list[Evidence]:
    """SingleStream and Offline of a point."""
    study = Study.load(StudyFolder(copied("full").folder))
    (record,) = study.frontier()
    return gather(study, record, BOTH, ("valid",), infer=False, benchmark=Benchmark.of())


def changed(result: Evidence, **details: Any) -> Evidence:
    """The result with other details of its performance run."""
    assert result.performance is not None
    measurement = result.performance.measurement
    details = {**measurement.details, **details}
    run = replace(result.performance, measurement=replace(measurement, details=details))
    return replace(result, performance=run)


def read(tree: Tree, name: str) -> Any:
    return json.loads(tree.files[PurePosixPath("open/Org") / name])


def test_a_result_without_a_run_has_no_place(results: list[Evidence]) -> None:
    first = results[0]
    for lacking in (replace(first, performance=None), replace(first, accuracy=None)):
        with pytest.raises(ValueError, match="without its runs"):
            name_result(lacking, ABOUT)


def test_names_are_plain_and_inside(results: list[Evidence]) -> None:
    tree = build(results, ABOUT)
    for name in (*tree.files, *tree.originals, *tree.result_folders):
        assert all(PLAIN.fullmatch(part) for part in name.parts)
        assert name.parts[:2] == ("open", "Org")
    assert tree.originals.keys() <= tree.files.keys()


def test_scenarios_share_what_is_of_their_configuration(results: list[Evidence]) -> None:
    both = build(results, ABOUT)
    assert len(both.result_folders) == 2
    for single in results:
        alone = build([single], ABOUT)
        # So that a scenario that is exported later joins without a difference.
        assert alone.files.items() <= both.files.items()
    assert read(both, "model_mapping.json") == {"mobilenet-v1-0.25-128-int8": "resnet"}
    (system,) = [name for name in both.files if name.parts[2] == "systems"]
    assert system.name == f"{SYSTEM}.json"
    assert read(both, f"systems/{SYSTEM}.json") == {
        "framework": "litert 2.3.0",
        "other_software_stack": "dse 1.2.3, MLPerf LoadGen 6.0.17 @ d6147c7eb7",
        "status": "available",
        "sw_notes": "knobs: backend=litert, threads=1, batch_size=1, instances=1, pinned=False",
    }


def test_points_have_systems_of_their_own(results: list[Evidence]) -> None:
    point = replace(results[1].record, id=1, configuration=replace(CONFIGURATION, batch_size=8))
    tree = build([results[1], replace(results[1], record=point)], ABOUT)
    systems = {name.name for name in tree.files if name.parts[2] == "systems"}
    assert systems == {f"{SYSTEM}.json", f"{OTHER}.json"}
    assert {name.parts[3] for name in tree.result_folders} == {SYSTEM, OTHER}
    assert {name.parts[4] for name in tree.result_folders} == {"mobilenet-v1-0.25-128-int8"}
    told = {**ABOUT.description, "sw_notes": "a", "other_software_stack": "b"}
    system = read(build([results[1]], replace(ABOUT, description=told)), f"systems/{SYSTEM}.json")
    assert system["sw_notes"].startswith("a; knobs: ")
    assert system["other_software_stack"].endswith("; b")
    with_variable = replace(ABOUT, environment={"ONEDNN_MAX_CPU_ISA": "SSE41"})
    system = read(build([results[1]], with_variable), f"systems/{SYSTEM}.json")
    assert system["sw_notes"].endswith("; environment: ONEDNN_MAX_CPU_ISA=SSE41")


def test_measurements_say_what_was_done_to_the_weights(results: list[Evidence]) -> None:
    name = f"results/{SYSTEM}/mobilenet-v1-0.25-128-int8/SingleStream/measurements.json"
    plain = read(build(results[:1], ABOUT), name)
    assert plain == {
        "input_data_types": "uint8",
        "retraining": "no",
        "starting_weights_filename": "mobilenet_v1_0.25_128_quant.tflite",
        "weight_data_types": "int8",
        "weight_transformations": "none",
    }
    derived = changed(results[0], made_from="it.onnx", weights="garden, converted from ONNX")
    tree = build([derived], ABOUT)
    assert read(tree, name) == {
        **plain,
        "starting_weights_filename": "it.onnx",
        "weight_transformations": "garden, converted from ONNX",
    }
    # The file that ran is none that one could put beside a manifest.
    assert not any(each.name == "models.yaml" for each in tree.files)
    run = results[0].performance
    assert run is not None
    assert run.spec is not None
    for dtype, called in (("float32", "fp32"), ("float16", "fp16"), ("int8", "int8")):
        task = replace(run.spec.task, form={**run.spec.task.form, "dtype": dtype})
        spec = replace(run.spec, task=task)
        other = replace(results[0], performance=replace(run, spec=spec))
        assert read(build([other], ABOUT), name)["input_data_types"] == called


def test_a_log_that_is_gone_meanwhile(results: list[Evidence]) -> None:
    assert results[0].accuracy is not None
    (results[0].accuracy.logs / "mlperf_log_summary.txt").unlink()
    with pytest.raises(DseError, match=r"mlperf_log_summary\.txt: can't be read"):
        build(results, ABOUT)


def on_cuda(result: Evidence) -> Evidence:
    configuration = replace(CONFIGURATION, device="cuda")
    return replace(result, record=replace(result.record, configuration=configuration))


def test_an_accelerator_is_that_of_the_points_that_ran_on_it(results: list[Evidence]) -> None:
    told = {**ABOUT.description, **dict.fromkeys(NO_ACCELERATOR, "told"), "cooling": "air"}
    about = replace(ABOUT, description=told)
    tree = build([results[0], on_cuda(results[0])], about)
    names = [name.name for name in tree.files if name.parts[2] == "systems"]
    elsewhere = SYSTEM.replace("dse-cpu", "dse-cuda")
    assert sorted(names) == [f"{SYSTEM}.json", f"{elsewhere}.json"]
    own, other = (read(tree, f"systems/{name}.json") for name in (SYSTEM, elsewhere))
    assert {name: own[name] for name in NO_ACCELERATOR} == NO_ACCELERATOR
    assert {other[name] for name in NO_ACCELERATOR} == {"told"}
    assert own["cooling"] == other["cooling"] == "air"
    assert "device=cuda" in other["sw_notes"]
    assert "device" not in own["sw_notes"]


def test_of_an_accelerator_everything_has_to_be_told(
    results: list[Evidence], tmp_path: Path
) -> None:
    file = tmp_path / "system.yaml"
    file.write_text("accelerators_per_node: 1\n")
    request = cast("ExportRequest", SimpleNamespace(system=file))
    _check_accelerator(results, request)  # it ran on the CPU
    with pytest.raises(RequestError, match="ran on cuda, and nothing tells accelerator_model_name"):
        _check_accelerator([on_cuda(results[0])], request)
    file.write_text("".join(f"{name}: told\n" for name in NO_ACCELERATOR))
    _check_accelerator([on_cuda(results[0])], request)
