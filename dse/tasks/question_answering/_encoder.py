"""BERT-like encoders that answer questions, and how one is written as an ONNX file.

All supported runtimes, old ones included, read opset 15 and IR version 8. The inputs are
``input_ids``, ``attention_mask`` and ``token_type_ids``, int64, (batch, sequence); the outputs are
``start_logits`` and ``end_logits``, float32, (batch, sequence); the batch size is left open. No
operator computes a shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dse.core.measurement import PublishedQuality
from dse.models.onnx_normalise import IR_VERSION, OPSET
from dse.models.untrained import make_uniform
from dse.tasks.question_answering._form import SEQUENCE_LENGTH, VOCABULARY_SIZE, QuestionForm

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from onnx import NodeProto, TensorProto

PRODUCER = "mlperf-dse"
SEGMENTS = 2
EPSILON = 1e-12
MASKED = -10_000.0
"""What is added to the attention that is paid to a token that does not count."""
WEIGHT_DEVIATION = 0.02
"""The standard deviation of weights as BERT's training begins: activations stay near one."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """The architecture of a model.

    Attributes:
        layers: that follow each other.
        width: numbers for each token.
        heads: of the attention.
        inner: numbers for each token within a layer.
        sequence_length: tokens of a sample.
        published: F1 on the development set of SQuAD v1.1 by precision, of trained weights.
    """

    layers: int
    width: int
    heads: int
    inner: int
    sequence_length: int = SEQUENCE_LENGTH
    published: Mapping[str, PublishedQuality] = field(default_factory=dict, hash=False)

    @property
    def form(self) -> QuestionForm:
        """How a question becomes the inputs of its file."""
        return QuestionForm(sequence_length=self.sequence_length)

    @property
    def dimensions(self) -> tuple[int, ...]:
        """All that the file depends on."""
        return self.layers, self.width, self.heads, self.inner, self.sequence_length


def _fp32(percent: float, source: str) -> dict[str, PublishedQuality]:
    return {"fp32": PublishedQuality(percent, source)}


_BERT = "BERT (Devlin et al., arXiv:1810.04805, table 2, single)"
_TINYBERT = "TinyBERT (Jiao et al., arXiv:1909.10351v5, appendix B, table 6)"
ENCODERS: Mapping[str, Encoder] = {
    "bert-large": Encoder(
        *(24, 1024, 16, 4096), published=_fp32(90.874, "MLPerf Inference, reference model")
    ),
    "bert-base": Encoder(12, 768, 12, 3072, published=_fp32(88.5, _BERT)),
    "tinybert-6": Encoder(6, 768, 12, 3072, published=_fp32(87.5, _TINYBERT)),
    "tinybert-4": Encoder(4, 312, 12, 1200, published=_fp32(82.1, _TINYBERT)),
    "bert-tiny": Encoder(2, 128, 2, 512),
}
"""The builtin models, by name; nobody has published an F1 of the last one."""


def onnx_bytes(encoder: Encoder) -> bytes:
    """The file of an encoder with untrained weights.

    The same encoder gives the same bytes, in any process.

    Raises:
        ImportError: onnx is not installed.
    """
    from onnx import TensorProto, helper

    writer = _Writer(encoder)
    writer.write()
    batch: tuple[str | int | None, ...] = ("batch", encoder.sequence_length)
    inputs = [one.name for one in encoder.form.inputs]
    model = helper.make_model(
        helper.make_graph(
            writer.nodes,
            "encoder",
            [helper.make_tensor_value_info(name, TensorProto.INT64, batch) for name in inputs],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, batch)
                for name in ("start_logits", "end_logits")
            ],
            writer.tensors,
        ),
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name=PRODUCER,
    )
    data: bytes = model.SerializeToString(deterministic=True)
    return data


class _Writer:
    """Collects the operators and the weights of an encoder.

    Args:
        encoder: what is written.

    Attributes:
        nodes: the operators so far, in order.
        tensors: the weights and constants so far.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.nodes: list[NodeProto] = []
        self.tensors: list[TensorProto] = []
        self._encoder = encoder

    def write(self) -> None:
        """Writes all of it."""
        self._constants()
        tokens = self._embedding()
        mask = self._mask()
        for number in range(self._encoder.layers):
            tokens = self._layer(f"layer{number}", tokens, mask)
        logits = self._dense("logits", tokens, self._encoder.width, 2)
        self._add("Split", [logits], ["start", "end"], axis=2)
        for name in ("start", "end"):
            self._add("Squeeze", [name, "last"], [f"{name}_logits"])

    def _constants(self) -> None:
        import numpy as np

        width, heads = self._encoder.width, self._encoder.heads
        self._keep("last", np.array([2], np.int64))
        self._keep("masked_axes", np.array([1, 2], np.int64))
        self._keep("split", np.array([0, 0, heads, width // heads], np.int64))
        self._keep("joined", np.array([0, 0, width], np.int64))
        for name, value in {
            "one": 1.0,
            "half": 0.5,
            "two": 2.0,
            "epsilon": EPSILON,
            "masked": MASKED,
            "root2": math.sqrt(2),
            "scale": math.sqrt(width // heads),
        }.items():
            self._keep(name, np.array(value, np.float32))

    def _embedding(self) -> str:
        encoder = self._encoder
        sizes = {"words": VOCABULARY_SIZE, "segments": SEGMENTS, "places": encoder.sequence_length}
        for name, size in sizes.items():
            self._weights(f"embedding/{name}", (size, encoder.width))
        words = self._add("Gather", ["embedding/words", "input_ids"], ["words"])
        segments = self._add("Gather", ["embedding/segments", "token_type_ids"], ["segments"])
        placed = self._add("Add", [words, "embedding/places"], ["placed"])
        return self._normalise("embedding", self._add("Add", [placed, segments], ["embedded"]))

    def _mask(self) -> str:
        from onnx import TensorProto

        counts = self._add("Cast", ["attention_mask"], ["counts"], to=TensorProto.FLOAT)
        wide = self._add("Unsqueeze", [counts, "masked_axes"], ["counts/wide"])
        ignored = self._add("Sub", ["one", wide], ["ignored"])
        return self._add("Mul", [ignored, "masked"], ["mask"])

    def _layer(self, name: str, tokens: str, mask: str) -> str:
        width, inner = self._encoder.width, self._encoder.inner
        attended = self._attention(f"{name}/attention", tokens, mask)
        projected = self._dense(f"{name}/projection", attended, width, width)
        added = self._add("Add", [projected, tokens], [f"{name}/added"])
        tokens = self._normalise(f"{name}/attended", added)
        wide = self._gelu(f"{name}/gelu", self._dense(f"{name}/wide", tokens, width, inner))
        narrow = self._dense(f"{name}/narrow", wide, inner, width)
        return self._normalise(name, self._add("Add", [narrow, tokens], [f"{name}/whole"]))

    def _attention(self, name: str, tokens: str, mask: str) -> str:
        width, orders = self._encoder.width, {"query": "0213", "key": "0231", "value": "0213"}
        parts = {}
        for part, order in orders.items():
            dense = self._dense(f"{name}/{part}", tokens, width, width)
            split = self._add("Reshape", [dense, "split"], [f"{name}/{part}/split"])
            axes = [int(axis) for axis in order]
            parts[part] = self._add("Transpose", [split], [f"{name}/{part}/turned"], perm=axes)
        products = self._add("MatMul", [parts["query"], parts["key"]], [f"{name}/products"])
        scaled = self._add("Div", [products, "scale"], [f"{name}/scaled"])
        masked = self._add("Add", [scaled, mask], [f"{name}/masked"])
        shares = self._add("Softmax", [masked], [f"{name}/shares"], axis=3)
        found = self._add("MatMul", [shares, parts["value"]], [f"{name}/found"])
        turned = self._add("Transpose", [found], [f"{name}/turned"], perm=[0, 2, 1, 3])
        return self._add("Reshape", [turned, "joined"], [name])

    def _dense(self, name: str, source: str, width: int, outputs: int) -> str:
        self._weights(f"{name}/kernel", (width, outputs))
        self._weights(f"{name}/bias", (outputs,))
        product = self._add("MatMul", [source, f"{name}/kernel"], [f"{name}/product"])
        return self._add("Add", [f"{name}/bias", product], [name])

    def _normalise(self, name: str, source: str) -> str:
        """What runtimes know as layer normalisation, an operator of a later opset."""
        import numpy as np

        self._keep(f"{name}/gain", np.ones(self._encoder.width, np.float32))
        self._weights(f"{name}/shift", (self._encoder.width,))
        mean = self._add("ReduceMean", [source], [f"{name}/mean"], axes=[-1])
        centred = self._add("Sub", [source, mean], [f"{name}/centred"])
        squared = self._add("Pow", [centred, "two"], [f"{name}/squared"])
        variance = self._add("ReduceMean", [squared], [f"{name}/variance"], axes=[-1])
        safe = self._add("Add", [variance, "epsilon"], [f"{name}/safe"])
        deviation = self._add("Sqrt", [safe], [f"{name}/deviation"])
        unit = self._add("Div", [centred, deviation], [f"{name}/unit"])
        gained = self._add("Mul", [unit, f"{name}/gain"], [f"{name}/gained"])
        return self._add("Add", [gained, f"{name}/shift"], [f"{name}/normalised"])

    def _gelu(self, name: str, source: str) -> str:
        scaled = self._add("Div", [source, "root2"], [f"{name}/scaled"])
        error = self._add("Erf", [scaled], [f"{name}/erf"])
        raised = self._add("Add", [error, "one"], [f"{name}/raised"])
        product = self._add("Mul", [source, raised], [f"{name}/product"])
        return self._add("Mul", [product, "half"], [name])

    def _weights(self, name: str, shape: tuple[int, ...]) -> None:
        seed = "/".join([*map(str, self._encoder.dimensions), name])
        self._keep(name, make_uniform(seed, shape, WEIGHT_DEVIATION**-2))

    def _keep(self, name: str, array: NDArray[np.generic]) -> None:
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(array, name))

    def _add(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> str:
        """Adds an operator; returns the name of its first output."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes))
        return outputs[0]
