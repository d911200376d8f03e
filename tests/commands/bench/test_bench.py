"""``dse bench`` from the words of the command line to its output."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import any_models, small_models
from tests.any_models import WORDS, write, write_apart
from tests.measure.specs import wrapper

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Answer, Command

ONE_THREAD = ("--threads", 1, "--duration", "0.02s")


def told(answer: Answer) -> dict[str, Any]:
    return dict(json.loads(answer.out))


@pytest.fixture
def bert(here: Path) -> Path:
    return write(here, any_models.bert)


def test_a_model_with_three_inputs(command: Command, bert: Path) -> None:
    words = ("bench", bert.name, "--scenario", "SingleStream,Offline", "--batch-size", 2)
    found = told(command.good(*words, *ONE_THREAD, "--dim", "sequence=16", "--json"))
    model, (result,) = found["model"], found["results"]
    assert (model["format"], model["precision"]) == ("onnx", "fp32")
    assert [one["shape"] for one in model["inputs"]] == [[1, 16]] * 3
    assert [one["fill"] for one in model["inputs"]] == ["ids", "ones", "zeros"]
    assert model["inputs"][0]["bound"] == WORDS
    assert model["open_dimensions"] == {"sequence": 16}
    assert model["size_bytes"] == bert.stat().st_size
    assert (found["accuracy"], found["study"]) == ("unknown", None)
    assert result["failure"] is None
    single, offline = (result["scenarios"][name] for name in ("SingleStream", "Offline"))
    latency = single["latency_ms"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"]
    assert latency["p90"] == result["values"]["latency_p90_ms"]
    assert single["samples_per_s"] > 0
    assert offline["samples_per_s"] == result["values"]["throughput_samples_per_s"] > 0
    assert {single["validity"], offline["validity"]} == {"probe"}
    assert result["values"]["peak_memory_mib"] > 0
    assert result["values"]["load_time_ms"] > 0
    assert found["frontier"] == [result["id"]]


def test_a_runtime_is_asked_once(
    command: Command, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = tmp_path / "starts"
    python = wrapper(tmp_path, f'echo "$@" >> {starts}')
    settings = tmp_path / "config.yaml"
    settings.write_text(f"interpreters: {{onnxruntime: {python.path}}}")
    monkeypatch.setenv("DSE_CONFIG", str(settings))
    command.good("bench", bert, *ONE_THREAD, "--settle", 0)
    assert starts.read_text().count("dse.environments.probe") == 1


def test_what_a_reader_sees(command: Command, bert: Path) -> None:
    answer = command.good("bench", bert, *ONE_THREAD)
    heading, row, legend, *notes = answer.out.splitlines()
    assert heading.split() == [
        *("id", "runtime", "p50", "ms", "p90", "ms", "p99", "ms"),
        *("samples/s", "MiB", "load", "ms"),
    ]
    assert row.split()[:4] == ["0", "onnxruntime", "t1", "b1"]
    assert len(row.split()) == 10
    assert max(map(len, (heading, row, legend))) <= 80
    assert legend.startswith("SingleStream; t threads, b batch size; ")
    assert "accuracy is unknown: the inputs are random" in notes[0]
    assert any("not valid MLPerf results" in note for note in notes)
    assert f"input: input_ids: int64, batch x 128, ids below {WORDS}" in answer.err
    assert "open dimensions: sequence=128" in answer.err


def test_lists_sweep_and_end_in_a_frontier(command: Command, here: Path) -> None:
    path = write(here, any_models.any_size)
    words = (
        *("bench", path, "--backend", "onnxruntime,openvino", *ONE_THREAD),
        *("--scenario", "offline", "--batch-size", "2", "--study", "sweep"),
        *("--dim", "height=16", "--dim", "width=16"),
    )
    answer = command.good(*words)
    rows = [line.split() for line in answer.out.splitlines()[1:3]]
    assert sorted((row[1], row[3]) for row in rows) == [("onnxruntime", "b2"), ("openvino", "b2")]
    assert "frontier of 2 configurations: " in answer.out
    assert command.counts("sweep")[:3] == (2, 0, 0)
    taken = command.counts("sweep")[3]
    # The study is kept: the same again measures nothing.
    assert len(told(command.good(*words, "--json"))["results"]) == 2
    assert command.counts("sweep")[3] == taken
    other = command("bench", path, "--study", "sweep", "--scenario", "offline", *ONE_THREAD)
    assert (other.code, "was measured with another" in other.last) == (2, True), other
    # Nothing is begun of what has no rules.
    refused = command("validate", "sweep", "--dry-run")
    told_why = "MLPerf has no benchmark of the task" in refused.last
    assert (refused.code, told_why) == (2, True), refused


@pytest.mark.parametrize(
    ("make", "backend"),
    [
        (any_models.audio, "openvino"),
        pytest.param(any_models.half, "onnxruntime", marks=pytest.mark.long),
        pytest.param(any_models.quantised, "openvino", marks=pytest.mark.long),
        (any_models.without_batches, "onnxruntime"),
        (any_models.of_all_types, "onnxruntime"),
        pytest.param(any_models.finding, "onnxruntime", marks=pytest.mark.long),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_models_of_many_kinds(make: Any, backend: str, command: Command, here: Path) -> None:
    words = ("bench", write(here, make), "--backend", backend, *ONE_THREAD, "--json")
    (result,) = told(command.good(*words))["results"]
    assert result["configuration"]["backend"] == backend
    assert result["values"]["latency_p90_ms"] > 0


def test_tflite_with_two_inputs_in_all_scenarios(command: Command, here: Path) -> None:
    path = here / "two.tflite"
    path.write_bytes(small_models.tflite_bytes(inputs=2))
    scenarios = "SingleStream,MultiStream,Offline,Server"
    found = told(
        command.good(
            *("bench", path, "--scenario", scenarios, "--batch-size", 4, *ONE_THREAD),
            *("--instances", 2, "--json"),
        )
    )
    (result,) = found["results"]
    assert list(result["scenarios"]) == ["SingleStream", "MultiStream", "Offline", "Server"]
    assert result["configuration"]["backend"] == "litert"
    for each in result["scenarios"].values():
        assert each["samples_per_s"] > 0


def test_what_decides_the_work_is_named_and_can_be_given(command: Command, here: Path) -> None:
    words = ("bench", write(here, any_models.stepping), *ONE_THREAD, "--study", "steps")
    answer = command.good(*words)
    assert "input: steps: int32, a single number, 1\n" in answer.err
    assert "input steps decides the work: 1 (--input steps=N changes it)\n" in answer.err
    assert "input copies decides the work: 1 (--input copies=N changes it)\n" in answer.err
    assert "input number decides" not in answer.err

    # Other values are another measurement.
    other = command(*words, "--input", "steps=40")
    assert (other.code, "was measured with another file or other inputs" in other.last) == (2, True)
    answer = command.good(*words[:-2], "--input", "steps=40", "--json")
    assert "input: steps: int32, a single number, 40\n" in answer.err
    assert answer.err.count("decides the work") == 1  # copies
    found = told(answer)["model"]
    inputs = {one["name"]: one for one in found["inputs"]}
    assert (inputs["steps"]["fill"], inputs["steps"]["values"]) == ("values", [40])
    assert inputs["copies"]["fill"] == "ones"
    assert "values" not in inputs["number"]
    assert found["deciding_inputs"] == ["steps", "copies"]
    assert found["made_up"] == ["copies (--input copies=VALUE)"]


def test_values_reach_the_runtime(command: Command, here: Path) -> None:
    """An amount that the model refuses is a failure, with the words of the runtime."""
    path = write(here, any_models.stepping)
    answer = command("bench", path, *ONE_THREAD, "--input", "copies=-1")
    assert answer.code == 1
    failed, made_up, *_ = answer.out.splitlines()
    assert "unsupported: " in failed
    assert "Tile" in failed
    assert made_up == "made up, and perhaps not what the model takes: steps (--input steps=VALUE)"


def test_names_in_a_file_do_not_steer_the_terminal(command: Command, here: Path) -> None:
    import onnx

    path = write(here, any_models.stepping)
    model = onnx.load(path)
    name = "copies\x1b[31m"
    model.graph.input[2].name = model.graph.node[2].input[1] = name
    path.write_bytes(model.SerializeToString())
    answer = command("bench", path, *ONE_THREAD, "--input", f"{name}=-1")
    assert "input: copies?[31m: int64, 1, -1" in answer.err
    assert "\x1b" not in answer.err
    assert "\x1b" not in answer.out


def test_dimensions_without_names(command: Command, here: Path) -> None:
    """A model for images is measured with images, whatever placeholder stands for their size."""
    import onnx

    path = write(here, any_models.any_size)
    model = onnx.load(path)
    for axis in (0, 2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = "?"
    path.write_bytes(model.SerializeToString())
    words = ("bench", path, *ONE_THREAD, "--scenario", "offline", "--batch-size", 2, "--json")
    answer = command.good(*words, "--dim", "image[3]=48")
    assert "input: image: float32, batch x 3 x 224 x 48, noise\n" in answer.err
    found = told(answer)["model"]
    assert found["open_dimensions"] == {"image[2]": 224, "image[3]": 48}
    assert found["made_up"] == ["image[2]=224 (--dim 'image[2]'=SIZE)"]


@pytest.fixture
def several(here: Path) -> Path:
    """A file with two signatures: the second has two inputs."""
    path = here / "several.tflite"
    small = small_models.tflite_bytes
    path.write_bytes(small_models.with_signatures(encode=small(), decode=small(inputs=2)))
    return path


def test_the_signature_that_is_measured_is_named(command: Command, several: Path) -> None:
    answer = command.good("bench", several, *ONE_THREAD, "--signature", "decode", "--json")
    line = "signature: decode; the file has others, which are not measured: encode (--signature)"
    assert f"{line}\n" in answer.err
    assert answer.err.count("input: ") == 2
    found = told(answer)
    assert (found["model"]["signature"], found["model"]["subgraph"]) == ("decode", 1)
    assert found["model"]["signatures"] == ["encode", "decode"]
    assert len(found["model"]["inputs"]) == 2
    assert found["results"][0]["values"]["latency_p90_ms"] > 0


def test_a_runtime_that_reads_one_signature(command: Command, several: Path) -> None:
    words = ("bench", several, *ONE_THREAD, "--backend", "openvino")
    answer = command.good(*words)
    assert "signature: encode; the file has others, which are not measured: decode" in answer.err
    answer = command(*words, "--signature", "decode")
    assert answer.code == 1
    assert "unsupported: OpenVINO reads the first subgraph of a TFLite file alone" in answer.out


def test_a_model_in_several_files(command: Command, here: Path) -> None:
    path = write_apart(here, any_models.bert)
    found = told(command.good("bench", path, *ONE_THREAD, "--dim", "sequence=16", "--json"))
    sizes = [file.stat().st_size for file in here.glob("bert.onnx*")]
    assert found["model"]["size_bytes"] == sum(sizes)
    assert found["model"]["data_files"] == ["bert.onnx_data"]
    assert len(sizes) == 2
    (here / "bert.onnx_data").unlink()
    answer = command("bench", path)
    assert answer.code == 2
    assert answer.last.endswith(
        "its data is in 'bert.onnx_data', which is not there; put that file beside the model"
    )


def test_a_model_of_the_cache_of_the_hub(command: Command, here: Path) -> None:
    """OpenVINO reads no weights behind links that lead out of the model's folder."""
    (here / "blobs").mkdir()
    (here / "snapshot").mkdir()
    for file in (write_apart(here, any_models.bert), here / "bert.onnx_data"):
        file.rename(here / "blobs" / file.name)
        (here / "snapshot" / file.name).symlink_to(f"../blobs/{file.name}")
    words = ("bench", here / "snapshot" / "bert.onnx", *ONE_THREAD, "--dim", "sequence=16")
    found = told(command.good(*words, "--backend", "openvino", "--json"))
    assert found["model"]["origin"] == "bert.onnx"
    assert found["results"][0]["failure"] is None


def test_a_kept_study_of_other_weights_is_refused(command: Command, here: Path) -> None:
    path = write_apart(here, any_models.audio)
    words = ("bench", path, *ONE_THREAD, "--dim", "samples=400", "--study", "kept")
    command.good(*words)
    data = here / "audio.onnx_data"
    before = data.stat().st_mtime_ns
    data.write_bytes(bytes(data.stat().st_size))
    os.utime(data, ns=(before, before + 1_000_000_000))
    answer = command(*words)
    assert (answer.code, "was measured with another file" in answer.last) == (2, True), answer


def test_a_kept_study_tries_again_what_may_pass(command: Command, bert: Path) -> None:
    words = ("bench", bert, *ONE_THREAD, "--dim", "sequence=16", "--study", "kept", "--json")
    (before,) = told(command(*words, "--memory-limit", "20MiB"))["results"]
    assert before["failure"]["kind"] == "out_of_memory"
    (after,) = told(command.good(*words))["results"]
    assert after["failure"] is None


def test_a_model_that_fails_tells_why(command: Command, bert: Path) -> None:
    """Ids beyond the table: the runtime raises, and no figure comes of it."""
    import onnx

    model = onnx.load(bert)
    (pick,) = (node for node in model.graph.node if "words" in node.input)
    pick.input[1] = "beyond"
    hundred = onnx.numpy_helper.from_array(np.array(100), "hundred")
    model.graph.initializer.append(hundred)
    add = onnx.helper.make_node("Add", ["input_ids", "hundred"], ["beyond"])
    model.graph.node.insert(0, add)
    bert.write_bytes(model.SerializeToString())
    words = ("bench", bert, *ONE_THREAD, "--dim", "sequence=16")
    answer = command(*words)
    assert answer.code == 1
    reason = "Gather: indices element out of data bounds, idx="
    failed = f"FAILED bert fp32, onnxruntime, 1 thread, batch 1: unsupported: {reason}"
    assert failed in answer.out
    assert "p50" not in answer.out
    assert "--study NAME keeps what failed runs printed" in answer.err
    (result,) = told(command(*words, "--json"))["results"]
    failure = result["failure"]
    assert (failure["kind"], failure["remedy"]) == ("unsupported", None)
    assert failure["reason"].startswith(reason)
    assert "Non-zero status code returned while running Gather node" in failure["message"]
    assert "Traceback" in failure["stderr_tail"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("no.onnx",), "no.onnx: no such file"),
        (("bert.pt",), "bert.pt: not known as a kind of model; give a file that ends in .onnx or"),
        (
            ("bert.onnx", "--backend", "litert"),
            "nothing in this space can run here: it reads no .onnx",
        ),
        (("bert.onnx", "--backend", "tensorrt"), "'tensorrt' is unknown; known are onnxruntime"),
        (("bert.onnx", "--scenario", "Online"), "'online' is unknown; known are SingleStream"),
        (("bert.onnx", "--threads", "0"), "expected 1 to 65536, not 0"),
        (("bert.onnx", "--threads", "1,1"), "'1,1' names a number twice"),
        (("bert.onnx", "--threads", "many"), "'many' is not a list of numbers; write 2 or 1,2,4"),
        (("bert.onnx", "--batch-size", "2"), "--batch-size: has no effect on SingleStream"),
        (("bert.onnx", "--instances", "2"), "--instances: has no effect on SingleStream"),
        (("bert.onnx", "--dim", "sequence"), "is not the size of a dimension; write NAME=384"),
        (("bert.onnx", "--dim", "batch=2"), "--dim: 'batch' is the batch"),
        (("bert.onnx", "--dim", "sequenc=2"), "bert.onnx: --dim: the model has no open dimension"),
        (
            ("bert.onnx", "--dim", "sequence=2", "--dim", "sequence=3"),
            "'--dim': 'sequence' is given twice",
        ),
        (("bert.onnx", "--input", "mask"), "'mask' gives no input a value; write NAME=20"),
        (("bert.onnx", "--input", "=1"), "'=1' gives no input a value; write NAME=20"),
        (("bert.onnx", "--input", "mask=1"), "bert.onnx: --input: the model has no input 'mask'"),
        (("bert.onnx", "--input", "input_ids=x"), "--input: 'x' does not fit 'input_ids' (int64)"),
        (
            ("bert.onnx", "--input", "input_ids=1,2"),
            "'input_ids' is 1 x 128 and takes 1 or 128 values, not 2",
        ),
        (
            ("bert.onnx", "--input", "input_ids=1", "--input", "input_ids=2"),
            "'--input': 'input_ids' is given twice",
        ),
        (("bert.onnx", "--signature", "x"), "--signature: an ONNX file has no signatures"),
        (
            ("without_batches.onnx", "--batch-size", "2", "--scenario", "Offline"),
            "--batch-size: the model takes no batches",
        ),
        (("reading.onnx",), "the input 'text' has type string, which can't be generated"),
        (("hf:owner",), "'hf:owner' names no model of the hub; write hf:owner/repo"),
    ],
)
def test_a_wrong_request_is_one_line(
    words: tuple[str, ...], expected: str, command: Command, here: Path
) -> None:
    for make in (any_models.bert, any_models.without_batches, any_models.reading):
        write(here, make)
    answer = command("bench", *words)
    assert answer.code == 2, answer
    assert answer.out == ""
    assert len(answer.err.splitlines()) == 1
    assert expected in answer.err


def test_a_variable_is_set_for_the_workers_and_told(command: Command, bert: Path) -> None:
    words = ("bench", bert.name, *ONE_THREAD, "--dim", "sequence=16", "--study", "set")
    answer = command.good(*words, "--env", "OMP_SCHEDULE=static", "--json")
    assert told(answer)["environment"] == {"OMP_SCHEDULE": "static"}
    assert "environment: OMP_SCHEDULE=static" in answer.err
    specs = [
        json.loads(file.read_text()) for file in bert.parent.glob("studies/set/runs/*/spec.json")
    ]
    assert {spec["environment"]["OMP_SCHEDULE"] for spec in specs} == {"static"}
    assert "OMP_SCHEDULE was 'static' and is not set" in command(*words).last
