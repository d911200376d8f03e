"""Spaces that are wrong: each is refused in one line that names file, line and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.space.reading import read_space, space_from_dict
from tests.space.spaces import write

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "models: all\n"
ORT = "models: all\nbackends:\n  onnxruntime:\n"
ANSWERS = "task: question-answering\n" + ORT
BASE = "models: all\nbackends: ['null']\n"

WRONG: dict[str, tuple[str, int | None, str | None, str]] = {
    # What the file as such gets wrong.
    "empty": ("", None, None, "the file is empty"),
    "a list": ("- models\n", 1, None, "expected fields"),
    "no YAML": ("models: [a\nbackends: b\n", 2, None, "not valid YAML"),
    "field twice": (BASE + "models: [a]\n", 3, "models", "given twice"),
    "no models": ("backends: [litert]\n", 1, "models", "is missing"),
    "no backends": ("# a\nmodels: all\n", 2, "backends", "is missing"),
    "misspelt field": (BASE + "thread: 4\n", 3, "thread", "did you mean 'threads'?"),
    # Models.
    "a number as model": ("models: [a, 5]\nbackends: [litert]\n", 1, "models[1]", "expected text"),
    "empty list of models": ("backends: [litert]\nmodels: []\n", 2, "models", "list is empty"),
    "model twice": (
        "backends: [litert]\nmodels:\n  - a\n  - b\n  - a\n",
        5,
        "models[2]",
        "'a' is given twice",
    ),
    "all among others": ("models: [all, a]\nbackends: [litert]\n", 1, "models[0]", "models: all"),
    "nameless model": ("models: ' '\nbackends: [litert]\n", 1, "models", "can't be empty"),
    # Precisions.
    "unknown precision": (
        BASE + "precisions:\n- fp32\n- int5\n",
        5,
        "precisions[1]",
        "unknown precision 'int5'; did you mean 'int8'?",
    ),
    "method without int8": (
        HEAD + "backends:\n  onnxruntime:\n    weight_range: full\n",
        4,
        "backends.onnxruntime.weight_range",
        "only int8 files are made by a method",
    ),
    "method for fp32": (
        HEAD
        + "precisions: [fp32, int8]\nbackends:\n  onnxruntime:\n    weight_range:\n"
        + "      values: [full]\n      when: {precision: fp32}\n",
        7,
        "backends.onnxruntime.weight_range.when.precision",
        "only int8 has this knob",
    ),
    "unknown method": (
        HEAD + "precisions: [int8]\nbackends:\n  onnxruntime:\n    calibration: kl\n",
        5,
        "backends.onnxruntime.calibration",
        "known are 'minmax', 'entropy', 'percentile'",
    ),
    "precision twice": (BASE + "precisions: [int8, int8]\n", 3, "precisions[1]", "given twice"),
    "no precision": (BASE + "precisions: []\n", 3, "precisions", "list is empty"),
    # Backends.
    "unknown backend": (
        HEAD + "backends: [onnx-runtime]\n",
        2,
        "backends[0]",
        "did you mean 'onnxruntime'?",
    ),
    "unknown backend among fields": (
        HEAD + "backends:\n  litert:\n  coreml:\n",
        4,
        "backends.coreml",
        "known are deepsparse, executorch, litert, mnn, ncnn, null, onnxruntime,",
    ),
    "null as nothing": (HEAD + "backends: [null]\n", 2, "backends[0]", "expected text"),
    "backend twice": (HEAD + "backends: [litert, litert]\n", 2, "backends[1]", "given twice"),
    "backend twice among fields": (
        HEAD + "backends:\n  litert: {}\n  litert: {}\n",
        4,
        "backends.litert",
        "given twice",
    ),
    "no backend": (HEAD + "backends: []\n", 2, "backends", "list is empty"),
    "no backend among fields": (HEAD + "backends: {}\n", 2, "backends", "names no backend"),
    "backends are nothing": (HEAD + "backends:\n", 2, "backends", "not nothing"),
    # Knobs and settings.
    "unknown knob": (
        ORT + "    spining: true\n",
        4,
        "backends.onnxruntime.spining",
        "onnxruntime has no such knob; did you mean 'spinning'?",
    ),
    "knob of another backend": (
        ORT + "    xnnpack: true\n",
        4,
        "backends.onnxruntime.xnnpack",
        "known are arena, exact_int8, execution_mode, graph_optimization",
    ),
    "knob twice": (
        ORT + "    spinning: true\n    spinning: false\n",
        5,
        "backends.onnxruntime.spinning",
        "given twice",
    ),
    "value of a knob": (
        ORT + "    graph_optimization:\n      - all\n      - full\n",
        6,
        "backends.onnxruntime.graph_optimization[1]",
        "'full' is not one of its values; known are 'disable', 'basic', 'extended', 'all'",
    ),
    "number for a truth": (
        ORT + "    spinning: 1\n",
        4,
        "backends.onnxruntime.spinning",
        "expected true or false, not 1",
    ),
    "truth for a number": (
        HEAD + "backends:\n  'null': {delay_ms: true}\n",
        3,
        "backends.null.delay_ms",
        "expected a number, not true",
    ),
    "text for a number": (
        HEAD + "backends:\n  'null': {delay_ms: [1, '2']}\n",
        3,
        "backends.null.delay_ms[1]",
        "expected a number, not '2'",
    ),
    "value twice": (
        ORT + "    spinning: [true, true]\n",
        4,
        "backends.onnxruntime.spinning[1]",
        "true is given twice",
    ),
    "value twice, written in two ways": (
        HEAD + "backends:\n  'null': {delay_ms: [1, 1.0]}\n",
        3,
        "backends.null.delay_ms[1]",
        "1.0 is given twice",
    ),
    "no value": (
        ORT + "    spinning: []\n",
        4,
        "backends.onnxruntime.spinning",
        "the list is empty",
    ),
    "knob is nothing": (
        ORT + "    spinning:\n",
        4,
        "backends.onnxruntime.spinning",
        "not nothing",
    ),
    "list in a list": (
        ORT + "    spinning: [[true]]\n",
        4,
        "backends.onnxruntime.spinning[0]",
        "expected true or false, not [true]",
    ),
    "knob of another task": (
        ORT + "    buckets: [[64, 128]]\n",
        4,
        "backends.onnxruntime.buckets",
        "onnxruntime has no such knob",
    ),
    "set of numbers with another thing": (
        ANSWERS + "    buckets: [[64, 128], [64, true]]\n",
        5,
        "backends.onnxruntime.buckets[1]",
        "expected up to 16 whole numbers from 16 to 4096, not [64, true]",
    ),
    "set of numbers beyond bounds": (
        ANSWERS + "    buckets: [8+128]\n",
        5,
        "backends.onnxruntime.buckets[0]",
        "numbers from 16 to 4096, not '8+128'",
    ),
    "empty set of numbers": (
        ANSWERS + "    buckets: [[]]\n",
        5,
        "backends.onnxruntime.buckets[0]",
        "not []",
    ),
    "set of numbers twice": (
        ANSWERS + "    buckets: [[64, 128], [128, 64]]\n",
        5,
        "backends.onnxruntime.buckets[1]",
        "[128, 64] is given twice",
    ),
    "text as a set of numbers": (
        ANSWERS + "    buckets: none\n",
        5,
        "backends.onnxruntime.buckets",
        "not 'none'",
    ),
    "setting with a list": (
        HEAD + "backends:\n  replay:\n    table: [a.csv, b.csv]\n",
        4,
        "backends.replay.table",
        "a setting has one value",
    ),
    "setting of no backend": (
        HEAD + "backends:\n  replay:\n    tabel: a.csv\n",
        4,
        "backends.replay.tabel",
        "did you mean 'table'?",
    ),
    # Conditions.
    "condition without values": (
        ORT + "    spinning:\n      when: {precision: fp32}\n",
        4,
        "backends.onnxruntime.spinning.values",
        "is missing",
    ),
    "values without condition": (
        ORT + "    spinning:\n      values: [true]\n",
        4,
        "backends.onnxruntime.spinning.when",
        "is missing",
    ),
    "condition of a backend": (
        ORT + "    spinning: true\n    when: {precision: fp32}\n",
        5,
        "backends.onnxruntime.when",
        "not to a backend; write it below a knob, as in 'spinning: {values: ..., when: ...}'",
    ),
    "condition of a backend without knobs": (
        ORT + "    when: {precision: fp32}\n",
        4,
        "backends.onnxruntime.when",
        "as in 'KNOB: {values: ..., when: ...}'",
    ),
    "misspelt condition": (
        ORT + "    spinning:\n      values: [true]\n      wen: {precision: fp32}\n",
        6,
        "backends.onnxruntime.spinning.wen",
        "did you mean 'when'?",
    ),
    "empty condition": (
        ORT + "    spinning:\n      values: [true]\n      when: {}\n",
        6,
        "backends.onnxruntime.spinning.when",
        "names no field",
    ),
    "condition on an unknown field": (
        ORT + "    spinning:\n      values: [true]\n      when:\n        precison: fp32\n",
        7,
        "backends.onnxruntime.spinning.when.precison",
        "did you mean 'precision'?",
    ),
    "condition on a precision that is not there": (
        ORT + "    spinning:\n      values: [true]\n      when: {precision: [fp32, int8]}\n",
        6,
        "backends.onnxruntime.spinning.when.precision[1]",
        "'int8' is not in the space",
    ),
    "condition on threads that are not there": (
        ORT + "    spinning: {values: true, when: {threads: 4}}\nthreads: [1, 2]\n",
        4,
        "backends.onnxruntime.spinning.when.threads",
        "4 is not in the space",
    ),
    "condition on a batch size that is none": (
        ORT + "    spinning: {values: true, when: {batch_size: true}}\n",
        4,
        "backends.onnxruntime.spinning.when.batch_size",
        "true is not in the space",
    ),
    "condition on a model that is not there": (
        "models: [a]\nbackends:\n  litert: {xnnpack: {values: true, when: {model: 'b*'}}}\n",
        3,
        "backends.litert.xnnpack.when.model",
        "'b*' is not in the space",
    ),
    "value of a condition twice": (
        ORT + "    spinning: {values: true, when: {precision: [fp32, fp32]}}\n",
        4,
        "backends.onnxruntime.spinning.when.precision[1]",
        "given twice",
    ),
    # Threads and batch sizes.
    "threads in words": (BASE + "threads: many\n", 3, "threads", "expected 'auto', a whole number"),
    "zero threads": (BASE + "threads: 0\n", 3, "threads", "expected 1 to 4096, not 0"),
    "negative threads": (BASE + "threads:\n- 1\n- -2\n", 5, "threads[1]", "not -2"),
    "absurd threads": (BASE + "threads: [5000]\n", 3, "threads[0]", "expected 1 to 4096"),
    "threads with a point": (BASE + "threads: [1.5]\n", 3, "threads[0]", "a whole number, not 1.5"),
    "threads twice": (BASE + "threads: [2, 2]\n", 3, "threads[1]", "2 is given twice"),
    "auto among threads": (BASE + "threads: [auto, 2]\n", 3, "threads[0]", "expected a whole"),
    "no threads": (BASE + "threads: []\n", 3, "threads", "list is empty"),
    "range backwards": (
        BASE + "threads:\n  start: 8\n  stop: 1\n",
        4,
        "threads.start",
        "the start, 8, is beyond the stop, 1; exchange them",
    ),
    "range without end": (BASE + "threads: {start: 1}\n", 3, "threads.stop", "is missing"),
    "range with a step of zero": (
        BASE + "threads: {start: 1, stop: 4, step: 0}\n",
        3,
        "threads.step",
        "expected at least 1",
    ),
    "range with a factor of one": (
        BASE + "threads: {start: 1, stop: 4, factor: 1}\n",
        3,
        "threads.factor",
        "expected at least 2",
    ),
    "range with step and factor": (
        BASE + "threads:\n  start: 1\n  stop: 4\n  step: 1\n  factor: 2\n",
        7,
        "threads.factor",
        "either a step or a factor",
    ),
    "range from zero": (
        BASE + "batch_sizes: {start: 0, stop: 8}\n",
        3,
        "batch_sizes.start",
        "expected 1 to 65536, not 0",
    ),
    "range beyond all": (
        BASE + "batch_sizes:\n  start: 1\n  stop: 1000000000\n",
        5,
        "batch_sizes.stop",
        "expected 1 to 65536",
    ),
    "no instance": (BASE + "instances: 0\n", 3, "instances", "expected 1 to"),
    "instances twice": (BASE + "instances: [2, 2]\n", 3, "instances[1]", "given twice"),
    "pinned to a number": (BASE + "pinned: 2\n", 3, "pinned", "true or false"),
    "pinned twice": (BASE + "pinned: [true, true]\n", 3, "pinned[1]", "given twice"),
    "automatic batch sizes": (BASE + "batch_sizes: auto\n", 3, "batch_sizes", "a whole number"),
    "absurd batch": (BASE + "batch_sizes: 65537\n", 3, "batch_sizes", "expected 1 to 65536"),
    "batch sizes without effect": (
        BASE + "batch_sizes: [1, 2]\nobjectives: [latency_p90_ms]\n",
        3,
        "batch_sizes",
        "has no effect",
    ),
    # Objectives and constraints.
    "unknown objective": (
        BASE + "objectives: [latency_p99_ms]\n",
        3,
        "objectives[0]",
        "did you mean 'latency_p90_ms'?",
    ),
    "objective twice": (
        BASE + "objectives:\n- accuracy_percent\n- accuracy_percent\n",
        5,
        "objectives[1]",
        "given twice",
    ),
    "no objective": (BASE + "objectives: []\n", 3, "objectives", "list is empty"),
    "unknown metric": (
        BASE + "constraints:\n  latency: {max: 1}\n",
        4,
        "constraints.latency",
        "unknown metric 'latency'; did you mean 'latency_p90_ms'?",
    ),
    "no bound": (
        BASE + "constraints:\n  latency_p90_ms: {}\n",
        4,
        "constraints.latency_p90_ms",
        "sets no bound",
    ),
    "bound by another name": (
        BASE + "constraints:\n  latency_p90_ms: {maximum: 3}\n",
        4,
        "constraints.latency_p90_ms.maximum",
        "did you mean 'max'?",
    ),
    "bound without a name": (
        BASE + "constraints:\n  latency_p90_ms: 15\n",
        4,
        "constraints.latency_p90_ms",
        "expected fields ('key: value'), not 15",
    ),
    "bound in words": (
        BASE + "constraints:\n  latency_p90_ms: {max: 15 ms}\n",
        4,
        "constraints.latency_p90_ms.max",
        "expected a number, not '15 ms'",
    ),
    "bounds that cross": (
        BASE + "constraints:\n  latency_p90_ms:\n    max: 1\n    min: 2\n",
        6,
        "constraints.latency_p90_ms.min",
        "the min, 2, is above the max, 1",
    ),
    "bound that nothing meets": (
        BASE + "constraints: {latency_p90_ms: {max: -1}}\n",
        3,
        "constraints.latency_p90_ms.max",
        "no value is below zero",
    ),
    "accuracy that nothing has": (
        BASE + "constraints: {accuracy_percent: {min: 101}}\n",
        3,
        "constraints.accuracy_percent.min",
        "above 100 %",
    ),
    # All together.
    "too large": (
        BASE + "threads: {start: 1, stop: 4096}\n" + "batch_sizes: {start: 1, stop: 400}\n",
        3,
        "threads",
        "more than 1,000,000 configurations",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_space_is_refused_where_it_is_wrong(tmp_path: Path, case: str) -> None:
    text, line, field, words = WRONG[case]
    path = write(tmp_path, text)
    with pytest.raises(RequestError) as caught:
        read_space(path)
    error = caught.value
    assert error.file == path
    assert (error.line, error.field) == (line, field)
    assert words in str(error)
    assert len(str(error).splitlines()) == 1


def test_without_a_file_the_field_is_named_all_the_same() -> None:
    data = {"models": "all", "backends": ["litert"], "threads": [1, 0]}
    with pytest.raises(RequestError) as caught:
        space_from_dict(data)
    assert str(caught.value) == "threads[1]: expected 1 to 4096, not 0"
