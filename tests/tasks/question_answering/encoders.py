"""Small encoders, what they are fed with, and what each of them should answer."""

from __future__ import annotations

from math import erf
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from dse.tasks.question_answering._architectures import Bottleneck, Encoder
from dse.tasks.question_answering._inputs import RandomInputs

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SMALL = Encoder(2, 32, 2, 64, sequence_length=128)
PLAIN = Encoder(2, 32, 2, 64, sequence_length=128, segments=False)
MOBILE = Encoder(2, 64, 2, 96, sequence_length=128, bottleneck=Bottleneck(16, 32, 3))
ENCODERS = {"bert": SMALL, "distilbert": PLAIN, "mobilebert": MOBILE}


def session(model: bytes | Path, optimised: Path | None = None) -> Any:
    """A file or its content in ONNX Runtime; the optimised model is written where asked for."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if optimised is not None:
        options.optimized_model_filepath = str(optimised)
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def feeds(encoder: Encoder, batch: int) -> dict[str, NDArray[Any]]:
    """Random samples by the names of the inputs."""
    names = [one.name for one in encoder.form.inputs]
    made = RandomInputs(batch, encoder.form, seed=1).call(range(batch))
    return dict(zip(names, made, strict=True))


def weights_of(model: bytes) -> dict[str, NDArray[Any]]:
    """The constants of a file, by name."""
    graph = onnx.load_from_string(model).graph
    return {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}


class ByHand:
    """Computes what an encoder answers from the weights of its file."""

    def __init__(self, encoder: Encoder, model: bytes) -> None:
        self.encoder = encoder
        self.weights = {name: one.astype(np.float64) for name, one in weights_of(model).items()}

    def answer(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """(batch, sequence, 2)."""
        tokens = self.embed(inputs)
        mask = (1.0 - inputs["attention_mask"][:, None, None, :]) * -10_000
        for name in (f"layer{number}" for number in range(self.encoder.layers)):
            tokens = self.layer(name, tokens, mask)
        return self.dense("logits", tokens)

    def embed(self, inputs: dict[str, NDArray[Any]]) -> NDArray[Any]:
        tokens = self.weights["embedding/words"][inputs["input_ids"]]
        if self.encoder.bottleneck is not None:
            around = np.pad(tokens, ((0, 0), (1, 1), (0, 0)))
            three = [around[:, 2:], tokens, around[:, :-2]]
            tokens = self.dense("words/wide", np.concatenate(three, axis=2))
        tokens = tokens + self.weights["embedding/places"]
        if self.encoder.segments:
            tokens = tokens + self.weights["embedding/segments"][inputs["token_type_ids"]]
        return self.normalise("embedding", tokens)

    def layer(self, name: str, tokens: NDArray[Any], mask: NDArray[Any]) -> NDArray[Any]:
        if self.encoder.bottleneck is not None:
            return self.mobile_layer(name, tokens, mask)
        found = self.attention(f"{name}/attention", (tokens, tokens, tokens), mask)
        tokens = self.normalise(
            f"{name}/attended", tokens + self.dense(f"{name}/projection", found)
        )
        wide = self.dense(f"{name}/wide", tokens)
        wide *= 0.5 * (1 + np.vectorize(erf)(wide / np.sqrt(2)))
        return self.normalise(name, tokens + self.dense(f"{name}/narrow", wide))

    def mobile_layer(self, name: str, tokens: NDArray[Any], mask: NDArray[Any]) -> NDArray[Any]:
        assert self.encoder.bottleneck is not None
        narrow, shared = (
            self.normalise(f"{name}/{part}", self.dense(f"{name}/{part}", tokens))
            for part in ("input", "shared")
        )
        found = self.attention(f"{name}/attention", (shared, shared, tokens), mask)
        narrow = self.normalise(
            f"{name}/attended", narrow + self.dense(f"{name}/projection", found)
        )
        for network in (f"{name}/network{n}" for n in range(self.encoder.bottleneck.stacked)):
            wide = np.maximum(self.dense(f"{network}/wide", narrow), 0)
            narrow = self.normalise(network, narrow + self.dense(f"{network}/narrow", wide))
        return self.normalise(name, tokens + self.dense(f"{name}/output", narrow))

    def attention(
        self, name: str, sources: tuple[NDArray[Any], ...], mask: NDArray[Any]
    ) -> NDArray[Any]:
        parts = zip(("query", "key", "value"), sources, strict=True)
        query, key, value = (self.heads(self.dense(f"{name}/{part}", one)) for part, one in parts)
        scores = query @ key.swapaxes(2, 3) / np.sqrt(query.shape[-1]) + mask
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        found = (shares @ value).swapaxes(1, 2)
        return np.asarray(found.reshape(*found.shape[:2], -1))

    def heads(self, values: NDArray[Any]) -> NDArray[Any]:
        batch, length, width = values.shape
        heads = self.encoder.heads
        return values.reshape(batch, length, heads, width // heads).swapaxes(1, 2)

    def dense(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(values @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"])

    def normalise(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        gain, shift = self.weights[f"{name}/gain"], self.weights[f"{name}/shift"]
        if self.encoder.bottleneck is not None:
            return np.asarray(values * gain + shift)
        centred = values - values.mean(axis=-1, keepdims=True)
        unit = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return np.asarray(unit * gain + shift)
