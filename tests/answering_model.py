"""A model that answers the questions of `tests.answering`: a question ends with its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import yaml

from tests.answering import LENGTH, VOCABULARY

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = ("input_ids", "input_mask", "segment_ids")
PLACE = 2
"""Where the answer stands in a question."""


def onnx_bytes(
    inputs: tuple[str, ...] = INPUTS,
    length: int | str = LENGTH,
    dtype: str = "INT64",
    outputs: tuple[str, ...] = ("start_logits", "end_logits"),
    place: int = PLACE,
) -> bytes:
    """Both logits are one at the tokens of the paragraph that are that of the question.

    Args:
        inputs: their names: the first is for ids, the last for segments.
        length: tokens of a sample, or a name where any will do.
        dtype: of the inputs, by ONNX's name.
        outputs: their names.
        place: of the question's token; at another one than `PLACE` no answer is found.
    """
    from onnx import TensorProto, helper, numpy_helper

    ids, segments = inputs[0], inputs[-1]
    constant = numpy_helper.from_array(np.array([place]), "place")
    kind = getattr(TensorProto, dtype)
    nodes = [
        helper.make_node("Gather", [ids, "place"], ["wanted"], axis=1),
        helper.make_node("Equal", [ids, "wanted"], ["found"]),
        helper.make_node("Cast", ["found"], ["hits"], to=TensorProto.FLOAT),
        helper.make_node("Cast", [segments], ["paragraph"], to=TensorProto.FLOAT),
        *(helper.make_node("Mul", ["hits", "paragraph"], [name]) for name in outputs),
    ]
    graph = helper.make_graph(
        nodes,
        "answers",
        [helper.make_tensor_value_info(name, kind, ("batch", length)) for name in inputs],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ("batch", length))
            for name in outputs
        ],
        [constant],
    )
    opset = helper.make_opsetid("", 15)
    data: bytes = helper.make_model(graph, ir_version=8, opset_imports=[opset]).SerializeToString()
    return data


def write_models(folder: Path, **models: bytes) -> Path:
    """Writes models with the vocabulary and their manifest into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_bytes(VOCABULARY.read_bytes())
    entries = []
    for name, data in models.items():
        (folder / f"{name}.onnx").write_bytes(data)
        about = {"vocabulary": "vocab.txt", "sequence_length": LENGTH}
        entries.append({"name": name, "file": f"{name}.onnx", "precision": "fp32", **about})
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": entries}))
    return folder
