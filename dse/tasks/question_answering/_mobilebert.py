"""How a MobileBERT is written; see Sun et al., arXiv:2004.02984, sections 3.1 and 3.5.

A layer works on fewer numbers for each token than what goes from layer to layer: two linear layers
narrow it, one for the residual connection and the value that both attention and feed-forward
networks go on with, one for query and key. Four small feed-forward networks follow each other, and
a last linear layer widens the result. A gain and a shift take the place of layer normalisation, and
ReLU that of GELU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.models.untrained import make_uniform
from dse.tasks.question_answering._encoder import SEGMENTS, EncoderWriter
from dse.tasks.question_answering._form import VOCABULARY_SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.tasks.question_answering._architectures import Bottleneck, Encoder

NEIGHBOURS = 3
"""Tokens whose embeddings are joined: the one after, the token itself, the one before."""


class MobileWriter(EncoderWriter):
    """Collects the operators and the weights of a MobileBERT; see `EncoderWriter`.

    Args:
        encoder: what is written.
        bottleneck: its own.
    """

    def __init__(self, encoder: Encoder, bottleneck: Bottleneck) -> None:
        super().__init__(encoder)
        self._bottleneck = bottleneck

    def _attention_width(self) -> int:
        return self._bottleneck.width

    def _scalars(self) -> Mapping[str, float]:
        usual = super()._scalars()
        return {name: usual[name] for name in ("one", "masked")}

    def _constants(self) -> None:
        import numpy as np

        super()._constants()
        self._keep("around", np.array([0, 1, 0, 0, 1, 0], np.int64))
        self._keep("sequence", np.array([1], np.int64))
        for place in range(NEIGHBOURS):
            end = self._encoder.sequence_length + place
            self._keep(f"from{place}", np.array([place], np.int64))
            self._keep(f"to{place}", np.array([end], np.int64))

    def _embedding(self) -> str:
        encoder, size = self._encoder, self._bottleneck.embedding
        self._weights("embedding/words", (VOCABULARY_SIZE, size))
        self._weights("embedding/segments", (SEGMENTS, encoder.width))
        self._weights("embedding/places", (encoder.sequence_length, encoder.width))
        words = self._add("Gather", ["embedding/words", "input_ids"], ["words"])
        padded = self._add("Pad", [words, "around"], ["words/padded"])
        parts = [
            self._add(
                "Slice",
                [padded, f"from{place}", f"to{place}", "sequence"],
                [f"words/part{place}"],
            )
            for place in reversed(range(NEIGHBOURS))
        ]
        joined = self._add("Concat", parts, ["words/joined"], axis=2)
        wide = self._dense("words/wide", joined, NEIGHBOURS * size, encoder.width, pruned=False)
        return self._normalise("embedding", self._placed(wide), encoder.width)

    def _layer(self, name: str, tokens: str, mask: str) -> str:
        width, inside = self._encoder.width, self._bottleneck.width
        narrow = self._narrowed(f"{name}/input", tokens)
        shared = self._narrowed(f"{name}/shared", tokens)
        sources = {"query": (shared, inside), "key": (shared, inside), "value": (tokens, width)}
        attended = self._attention(f"{name}/attention", sources, mask)
        projected = self._dense(f"{name}/projection", attended, inside, inside)
        found = self._joined(f"{name}/attended", projected, narrow, inside)
        for number in range(self._bottleneck.stacked):
            found = self._network(f"{name}/network{number}", found)
        widened = self._dense(f"{name}/output", found, inside, width)
        return self._joined(name, widened, tokens, width)

    def _narrowed(self, name: str, tokens: str) -> str:
        width, inside = self._encoder.width, self._bottleneck.width
        return self._normalise(name, self._dense(name, tokens, width, inside), inside)

    def _network(self, name: str, tokens: str) -> str:
        """A feed-forward network with its residual connection."""
        inside, inner = self._bottleneck.width, self._encoder.inner
        wide = self._dense(f"{name}/wide", tokens, inside, inner)
        active = self._add("Relu", [wide], [f"{name}/active"])
        narrow = self._dense(f"{name}/narrow", active, inner, inside)
        return self._joined(name, narrow, tokens, inside)

    def _joined(self, name: str, found: str, tokens: str, width: int) -> str:
        """The end of a residual connection."""
        whole = self._add("Add", [found, tokens], [f"{name}/whole"])
        return self._normalise(name, whole, width)

    def _normalise(self, name: str, source: str, width: int) -> str:
        """A gain and a shift: MobileBERT computes no mean and no deviation."""
        # Not ones: a multiplication by one is no work that a runtime would keep.
        seed = "/".join([*map(str, self._encoder.dimensions), name, "gain"])
        self._keep(f"{name}/gain", 1 + make_uniform(seed, (width,), 1e4))
        self.parameters += width
        self._weights(f"{name}/shift", (width,))
        gained = self._add("Mul", [source, f"{name}/gain"], [f"{name}/gained"])
        return self._add("Add", [gained, f"{name}/shift"], [f"{name}/normalised"])
