"""Requests that are wrong: what is typed, what lies about, and what the answer has to name."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Case:
    """A command, what its error has to say, and the files that lie about.

    ``begun`` is for what shows only at work, when lines of progress stand before the error.
    """

    command: str
    words: tuple[str, ...]
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    begun: bool = False


def _space(text: str | bytes, *words: str) -> Case:
    return Case("explore bad.yaml", ("bad.yaml", *words), {"bad.yaml": text})


NULL = "models: [a]\nbackends: ['null']\n"


def _table(content: str, *words: str) -> Case:
    space = "models: [a]\nbackends:\n  replay: {table: table.csv, runtime: x}\n"
    space += "threads: 1\nobjectives: latency_p90_ms\n"
    return Case("explore bad.yaml", words, {"bad.yaml": space, "table.csv": content})


SPACES = {
    "no such space": Case(
        "explore quickstrat",
        ("no search space is called 'quickstrat'", "did you mean 'quickstart'"),
    ),
    "no such file": Case("explore ./no.yaml", ("no search space at './no.yaml'", "known are")),
    "own models without a folder": Case(
        "explore own-models",
        ("own-models.yaml: --models", "give the folder of their models.yaml"),
    ),
    "a folder for a space": Case("explore studies", ("no search space is called 'studies'",)),
    "nothing for a space": Case("explore ''", ("no search space is called ''",)),
    "empty": _space("", "the file is empty"),
    "no YAML": _space("models: [a\nbackends: b\n", "bad.yaml:2: ", "not valid YAML"),
    "a list": _space("- models\n", "bad.yaml:1: ", "expected fields"),
    "no text": _space(b"\xff\xfe\0models", "bad.yaml"),
    "a tag": _space("models: !!python/object:os.system x\n", "bad.yaml:1: "),
    "unknown field": _space(NULL + "thread: 4\n", "bad.yaml:3: thread: ", "'threads'"),
    "unknown knob": _space(
        "models: [a]\nbackends:\n  'null': {dely_ms: 1}\n",
        "bad.yaml:3: backends.null.dely_ms",
        "'delay_ms'",
    ),
    "unknown value": _space(
        "models: [a]\nbackends:\n  'null':\n    fault: [none, explode]\n",
        "bad.yaml:4: backends.null.fault[1]",
        "'explode' is not one of its values",
    ),
    "wrong type": _space(NULL + "threads: many\n", "bad.yaml:3: threads", "a whole number"),
    "pattern without a match": _space(
        "models:\n  - mobilenet-v9-*\nbackends: [onnxruntime]\n",
        "bad.yaml:2: models[0]",
        "'mobilenet-v9-*' matches no model",
    ),
    "contradictory bounds": _space(
        NULL + "constraints:\n  latency_p90_ms: {min: 2, max: 1}\n",
        "bad.yaml:4: constraints.latency_p90_ms.min",
        "is above the max",
    ),
    "impossible bound": _space(
        NULL + "constraints: {accuracy_percent: {min: 101}}\n", "bad.yaml:3: ", "above 100 %"
    ),
    "unknown backend": _space("models: [a]\nbackends: [tensorrt]\n", "bad.yaml:2: backends[0]"),
    "no backend": _space("models: [a]\nbackends: []\n", "bad.yaml:2: backends"),
    "no models": _space("backends: ['null']\n", "models: is missing"),
    "unknown objective": _space(NULL + "objectives: speed\n", "bad.yaml:3: objectives"),
    "senseless batch sizes": _space(
        NULL + "batch_sizes: [1, 2]\nobjectives: latency_p90_ms\n", "bad.yaml:3: ", "no effect"
    ),
    "too large": _space(
        NULL + "threads: {start: 1, stop: 4096}\nbatch_sizes: {start: 1, stop: 4096}\n",
        "bad.yaml:3: threads",
        "more than 1,000,000 configurations",
    ),
    "nothing can run": _space("models: [nameless]\nbackends: [onnxruntime]\n", "no model of that"),
    "no table": _space(
        "models: [a]\nbackends: [replay]\n", "bad.yaml:2: ", "replay needs a file as 'table'"
    ),
    "table that is not there": _space(
        "models: [a]\nbackends:\n  replay: {table: no.csv}\n",
        "bad.yaml:3: backends.replay.table",
        "no.csv is not a file",
    ),
    "empty table": _table("", "table.csv: has no lines below its head; name a table"),
    "table without a column": _table(
        "model,precision\na,fp32\n", "table.csv:1: backend: has no column backend, threads"
    ),
    "impossible value in a table": _table(
        "model,precision,backend,threads,batch_size,latency_p90_ms\na,fp32,x,1,1,-3\n",
        "table.csv:2: latency_p90_ms: '-3' is not a number above 0; correct the line",
    ),
    "a name that is none for a study": Case(
        "explore 'my space.yaml'", ("'my space' is not a study name",), {"my space.yaml": NULL}
    ),
}

TFLITE = b"\x1c\0\0\0TFL3 and nothing that a runtime could load"
ENTRY = """\
  - name: own
    file: m.tflite
    precision: fp32
    layout: NHWC
    dtype: float32
    resolution: 8
    mean: 0
    scale: 1
    label_offset: 0
"""
MANIFEST = f"models:\n{ENTRY}"
WITH_MODELS: dict[str, str | bytes] = {"models/models.yaml": MANIFEST, "models/m.tflite": TFLITE}
SPEED = "models: all\nbackends: ['null']\nthreads: 1\nobjectives: [latency_p90_ms]\n"


def _manifest(text: str, *words: str, model: bytes = TFLITE) -> Case:
    files = {**WITH_MODELS, "models/models.yaml": text, "models/m.tflite": model, "s.yaml": SPEED}
    return Case("explore s.yaml --models models", ("models/models.yaml", *words), files)


MANIFESTS = {
    "no folder of models": Case(
        "explore s.yaml --models models", ("models: no such folder",), {"s.yaml": SPEED}
    ),
    "no manifest": Case(
        "explore s.yaml --models models",
        ("models: no models.yaml in the folder; write one",),
        {"models/m.tflite": TFLITE, "s.yaml": SPEED},
    ),
    "empty manifest": _manifest("", "the file is empty"),
    "manifest without models": _manifest("models: []\n", "models.yaml:1: models"),
    "unknown key": _manifest(MANIFEST + "    size: 8\n", "models.yaml:11: models[0].size"),
    "missing field": _manifest(
        MANIFEST.replace("    resolution: 8\n", ""), "models[0].resolution: is missing"
    ),
    "missing file": _manifest(
        MANIFEST.replace("m.tflite", "no.tflite"), "models.yaml:3: models[0].file", "no such file"
    ),
    "escaping path": _manifest(
        MANIFEST.replace("m.tflite", "../m.tflite"), "models.yaml:3: ", "outside the folder"
    ),
    "absolute path": _manifest(
        MANIFEST.replace("m.tflite", "/etc/m.tflite"), "models.yaml:3: ", "outside the folder"
    ),
    "bad precision": _manifest(
        MANIFEST.replace("fp32", "fp31"), "models.yaml:4: models[0].precision", "fp32"
    ),
    "model twice": _manifest(MANIFEST + ENTRY, "models.yaml:11: models[1].name", "a second fp32"),
    "not a model": _manifest(
        MANIFEST, "models[0].file", "not a TFLite model", model=b"<!DOCTYPE html>"
    ),
    "empty file": _manifest(MANIFEST, "models[0].file", "the file is empty", model=b""),
}
MANIFESTS["another file than stated"] = Case(
    "explore s.yaml --models models",
    ("models.yaml:11: models[0].sha256", "'m.tflite' has "),
    {
        **WITH_MODELS,
        "models/models.yaml": f"{MANIFEST}    sha256: '{'0' * 64}'\n",
        "s.yaml": SPEED.replace("'null'", "litert"),
    },
    begun=True,
)


def _png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (12, 10), (200, 30, 30)).save(stream, "PNG")
    return stream.getvalue()


ACCURACY = SPEED.replace("latency_p90_ms", "accuracy_percent")
IMAGE = _png()


def _dataset(files: Mapping[str, str | bytes], *words: str, begun: bool = False) -> Case:
    command = "explore s.yaml --models models --dataset images"
    return Case(command, words, {**WITH_MODELS, "s.yaml": ACCURACY, **files}, begun)


def _val_map(text: str, *words: str) -> Case:
    return _dataset(
        {"images/a.png": IMAGE, "images/val_map.txt": text}, "images/val_map.txt", *words
    )


DATASETS = {
    "no folder of images": _dataset({}, "images: no such folder"),
    "a file for images": _dataset({"images": IMAGE}, "images: not a folder"),
    "empty folder": _dataset({"images/.hidden": ""}, "images: no images"),
    "images without labels": _dataset({"images/a.png": IMAGE}, "images without labels", "val_map"),
    "empty val_map": _val_map("\n", "lists no images"),
    "line without a label": _val_map("a.png\n", "val_map.txt:1: ", "not of the form"),
    "label out of range": _val_map("a.png 1000\n", "val_map.txt:1: ", "outside 0..999"),
    "label in words": _val_map("a.png cat\n", "val_map.txt:1: ", "'cat' is not a number"),
    "listed image missing": _val_map("a.png 1\nb.png 2\n", "val_map.txt:2: no such file: 'b.png'"),
    "listed twice": _val_map("a.png 1\na.png 2\n", "val_map.txt:2: ", "already listed in line 1"),
    "image outside": _val_map("../a.png 1\n", "val_map.txt:1: ", "leads out of"),
    "unreadable image": _dataset(
        {
            "images/a.png": IMAGE,
            "images/b.png": IMAGE[:45],
            "images/val_map.txt": "a.png 1\nb.png 2",
        },
        "images/b.png: can't be read as an image",
        begun=True,
    ),
    "text for an image": _dataset(
        {"images/0/a.png": "no image"}, "images/0/a.png: can't be read as an image", begun=True
    ),
}

OPTIONS = {
    "data set for untrained models": Case(
        "explore quickstart --dataset images", ("--dataset", "untrained weights", "--models")
    ),
    "data set without accuracy": Case(
        "explore s.yaml --models models --dataset images",
        ("--dataset", "neither optimises nor constrains"),
        {**WITH_MODELS, "s.yaml": SPEED},
    ),
    "two formats": Case("frontier kept --json --csv", ("--json and --csv exclude each other",)),
    "no such command": Case("explor", ("explor",)),
    "no such option": Case("explore kept.yaml --n-trails 3", ("--n-trails", "--n-trials")),
    "no such sampler": Case("explore kept.yaml --sampler cmaes", ("'cmaes'", "grid", "tpe")),
    "no space": Case("explore", ("SPACE",)),
    "no study": Case("status", ("STUDY",)),
    "two spaces": Case("explore kept.yaml kept.yaml", ("unexpected extra argument",)),
    "time in words": Case("explore kept.yaml --timeout soon", ("--timeout", "'soon'", "90s")),
    "no time": Case("explore kept.yaml --timeout 0", ("--timeout", "not a span of time")),
    "no such option any more": Case(
        "explore kept.yaml --repeats 3", ("--repeats", "Use --settle TIME instead")
    ),
    "the same of a benchmark": Case("bench m.onnx --repeats 3", ("--repeats", "Use --settle TIME")),
    "settling in words": Case("explore kept.yaml --settle short", ("--settle", "write 0, 90s")),
    "negative settling": Case("explore kept.yaml --settle -1m", ("--settle", "'-1m'")),
    "tie of everything": Case("explore kept.yaml --tie 51", ("--tie", "51", "0<=x<=50")),
    "tie of nothing known": Case("explore kept.yaml --tie nan", ("tie", "0 to 50", "nan")),
    "negative time": Case("explore kept.yaml --run-timeout -3s", ("--run-timeout", "'-3s'")),
    "unknown unit": Case("explore kept.yaml --run-timeout 3y", ("'3y' is not a span of time",)),
    "endless time": Case("explore kept.yaml --run-timeout 400d", ("'400d' is more than 366 days",)),
    "time without a unit": Case("explore kept.yaml --timeout 2", ("'2' is not", "write 90s")),
    "infinite time": Case(f"explore kept.yaml --timeout {'9' * 400}s", ("more than 366 days",)),
    "memory in words": Case("explore kept.yaml --memory-limit lots", ("'lots' is not an amount",)),
    "memory in odd units": Case("explore kept.yaml --memory-limit 4GB", ("'4GB'", "4GiB")),
    "no memory": Case("explore kept.yaml --memory-limit 0", ("--memory-limit", "not an amount")),
    "endless memory": Case(
        "explore kept.yaml --memory-limit 99999999999GiB", ("more than any machine has",)
    ),
    "no trials": Case("explore kept.yaml --n-trials 0", ("--n-trials", "0")),
    "trials in words": Case("explore kept.yaml --n-trials many", ("--n-trials", "'many'")),
    "negative seed": Case("explore kept.yaml --seed -1", ("--seed", "-1")),
    "verbose after the command": Case("status kept -v", ("goes before the command: dse -v",)),
    "study without a name": Case("status ''", ("'' is not a study name; use letters",)),
    "study name with a space": Case("status 'a b'", ("'a b' is not a study name; use letters",)),
    "study name with a number sign": Case("explore kept.yaml --study kept#2", ("'kept#2' is no",)),
    "study that leads away": Case("frontier ../..//..", ("no study at",)),
    "unknown study": Case("status nosuch", ("no study at studies/nosuch; there are kept",)),
    "unknown study, frontier": Case("frontier nosuch --json", ("no study at studies/nosuch",)),
}
