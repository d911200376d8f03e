"""How a BERT-like encoder that answers questions is written operator by operator in ONNX.

The inputs are ``input_ids``, ``attention_mask`` and ``token_type_ids``, int64, (batch, sequence);
the outputs are ``start_logits`` and ``end_logits``, float32, (batch, sequence). No operator
computes a shape.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from dse.models.untrained import make_uniform
from dse.tasks.question_answering._form import VOCABULARY_SIZE
from dse.tasks.question_answering._pruning import make_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from onnx import NodeProto

    from dse.tasks.question_answering._architectures import Encoder

SEGMENTS = 2
EPSILON = 1e-12
MASKED = -10_000.0
"""What is added to the attention that is paid to a token that does not count."""
WEIGHT_DEVIATION = 0.02
"""The standard deviation of weights as BERT's training begins: activations stay near one."""
_AXES = {"query": [0, 2, 1, 3], "key": [0, 2, 3, 1], "value": [0, 2, 1, 3]}
"""From (batch, sequence, heads, numbers) to what the products of the attention take."""


class EncoderWriter:
    """Collects the operators and the weights of an encoder.

    Args:
        encoder: what is written.

    Attributes:
        nodes: the operators so far, in order.
        arrays: what makes each weight and constant so far, by name, in order.
        parameters: the number of weights and biases so far; pruned ones count.
        macs: multiply-accumulates of the matrix products of a sample so far; those with zeros
            count.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.nodes: list[NodeProto] = []
        self.arrays: dict[str, Callable[[], NDArray[np.generic]]] = {}
        self.parameters = self.macs = 0
        self._encoder = encoder

    def write(self) -> None:
        """Writes all of it."""
        self._constants()
        tokens = self._embedding()
        mask = self._mask()
        for number in range(self._encoder.layers):
            tokens = self._layer(f"layer{number}", tokens, mask)
        logits = self._dense("logits", tokens, self._encoder.width, 2, pruned=False)
        self._add("Split", [logits, "two_logits"], ["start", "end"], axis=2)
        for name in ("start", "end"):
            self._add("Squeeze", [name, "last"], [f"{name}_logits"])

    def _attention_width(self) -> int:
        """Numbers for each token within the attention, for all heads together."""
        return self._encoder.width

    def _scalars(self) -> Mapping[str, float]:
        return {
            "one": 1.0,
            "half": 0.5,
            "two": 2.0,
            "epsilon": EPSILON,
            "masked": MASKED,
            "root2": math.sqrt(2),
        }

    def _constants(self) -> None:
        import numpy as np

        width, heads = self._attention_width(), self._encoder.heads
        self._keep("last", np.array([2], np.int64))
        # Without the sizes DeepSparse would leave the whole graph to a runtime that skips no zeros.
        self._keep("two_logits", np.array([1, 1], np.int64))
        self._keep("masked_axes", np.array([1, 2], np.int64))
        self._keep("split", np.array([0, 0, heads, width // heads], np.int64))
        self._keep("joined", np.array([0, 0, width], np.int64))
        for name, value in {**self._scalars(), "scale": math.sqrt(width // heads)}.items():
            self._keep(name, np.array(value, np.float32))

    def _embedding(self) -> str:
        encoder = self._encoder
        sizes = {"words": VOCABULARY_SIZE, "segments": SEGMENTS, "places": encoder.sequence_length}
        if not encoder.segments:
            del sizes["segments"]
        for name, size in sizes.items():
            self._weights(f"embedding/{name}", (size, encoder.width))
        words = self._add("Gather", ["embedding/words", "input_ids"], ["words"])
        return self._normalise("embedding", self._placed(words), encoder.width)

    def _placed(self, words: str) -> str:
        """The tokens with their places and their segments."""
        if not self._encoder.segments:
            return self._add("Add", [words, "embedding/places"], ["placed"])
        segments = self._add("Gather", ["embedding/segments", "token_type_ids"], ["segments"])
        placed = self._add("Add", [words, "embedding/places"], ["placed"])
        return self._add("Add", [placed, segments], ["embedded"])

    def _mask(self) -> str:
        from onnx import TensorProto

        counts = self._add("Cast", ["attention_mask"], ["counts"], to=TensorProto.FLOAT)
        wide = self._add("Unsqueeze", [counts, "masked_axes"], ["counts/wide"])
        ignored = self._add("Sub", ["one", wide], ["ignored"])
        return self._add("Mul", [ignored, "masked"], ["mask"])

    def _layer(self, name: str, tokens: str, mask: str) -> str:
        width, inner = self._encoder.width, self._encoder.inner
        sources = dict.fromkeys(_AXES, (tokens, width))
        attended = self._attention(f"{name}/attention", sources, mask)
        projected = self._dense(f"{name}/projection", attended, width, width)
        added = self._add("Add", [projected, tokens], [f"{name}/added"])
        tokens = self._normalise(f"{name}/attended", added, width)
        wide = self._gelu(f"{name}/gelu", self._dense(f"{name}/wide", tokens, width, inner))
        narrow = self._dense(f"{name}/narrow", wide, inner, width)
        return self._normalise(name, self._add("Add", [narrow, tokens], [f"{name}/whole"]), width)

    def _attention(self, name: str, sources: Mapping[str, tuple[str, int]], mask: str) -> str:
        """The attention of a layer.

        Args:
            name: of what it gives.
            sources: for query, key and value a tensor and its numbers for each token.
            mask: what is added for tokens that do not count.
        """
        width, length = self._attention_width(), self._encoder.sequence_length
        parts = {}
        for part, axes in _AXES.items():
            dense = self._dense(f"{name}/{part}", *sources[part], width)
            split = self._add("Reshape", [dense, "split"], [f"{name}/{part}/split"])
            parts[part] = self._add("Transpose", [split], [f"{name}/{part}/turned"], perm=axes)
        self.macs += 2 * length * length * width
        products = self._add("MatMul", [parts["query"], parts["key"]], [f"{name}/products"])
        scaled = self._add("Div", [products, "scale"], [f"{name}/scaled"])
        masked = self._add("Add", [scaled, mask], [f"{name}/masked"])
        shares = self._add("Softmax", [masked], [f"{name}/shares"], axis=3)
        found = self._add("MatMul", [shares, parts["value"]], [f"{name}/found"])
        turned = self._add("Transpose", [found], [f"{name}/turned"], perm=[0, 2, 1, 3])
        return self._add("Reshape", [turned, "joined"], [name])

    def _dense(
        self, name: str, source: str, width: int, outputs: int, *, pruned: bool = True
    ) -> str:
        self._weights(f"{name}/kernel", (width, outputs), pruned=pruned)
        self._weights(f"{name}/bias", (outputs,))
        self.macs += self._encoder.sequence_length * width * outputs
        product = self._add("MatMul", [source, f"{name}/kernel"], [f"{name}/product"])
        return self._add("Add", [f"{name}/bias", product], [name])

    def _normalise(self, name: str, source: str, width: int) -> str:
        """What runtimes know as layer normalisation, an operator of a later opset."""
        import numpy as np

        self.parameters += width
        self._keep(f"{name}/gain", np.ones(width, np.float32))
        self._weights(f"{name}/shift", (width,))
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

    def _weights(self, name: str, shape: tuple[int, ...], *, pruned: bool = False) -> None:
        """Adds untrained weights; those of a layer (inputs, outputs) are pruned where asked for."""
        seed = "/".join([*map(str, self._encoder.dimensions), name])
        make = partial(make_uniform, seed, shape, WEIGHT_DEVIATION**-2)
        pruning = self._encoder.pruning
        self.parameters += math.prod(shape)
        if pruned and pruning.percent:
            inputs, outputs = shape
            mask = partial(make_mask, seed, (inputs, outputs), pruning)
            self.arrays[name] = lambda: make() * mask()
        else:
            self.arrays[name] = make

    def _keep(self, name: str, array: NDArray[np.generic]) -> None:
        self.arrays[name] = lambda: array

    def _add(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> str:
        """Adds an operator; returns the name of its first output."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes))
        return outputs[0]
