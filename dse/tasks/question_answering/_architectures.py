"""The builtin encoders: their architectures, how far they are pruned, and what others measured.

Sources of the architectures are the papers that `ENCODERS` names; of MobileBERT it is Sun et al.,
MobileBERT: a Compact Task-Agnostic BERT for Resource-Limited Devices, arXiv:2004.02984.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING

from dse.core.measurement import PublishedQuality
from dse.tasks.question_answering._form import SEQUENCE_LENGTH, QuestionForm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PRUNED_PERCENTS = (50, 80, 90, 95)
"""The sparsities of the pruned variants."""
BLOCKS = (1, 4)
"""Inputs whose weights are zero together: four are what kernels for 8-bit integers multiply at
once."""


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What makes a MobileBERT of a BERT.

    Attributes:
        embedding: numbers for each token of the vocabulary; those of three neighbours are joined.
        width: numbers for each token between the two bottlenecks of a layer.
        stacked: feed-forward networks of a layer, one after the other.
    """

    embedding: int
    width: int
    stacked: int


@dataclass(frozen=True, slots=True)
class Pruning:
    """Which weights of the linear layers are zero.

    Attributes:
        percent: how many of each layer's.
        block: inputs next to each other whose weights are zero together, for each output.
    """

    percent: int = 0
    block: int = 1

    @property
    def suffix(self) -> str:
        """What the name of a pruned model ends with."""
        block = f"-block{self.block}" if self.block > 1 else ""
        return f"-sparse{self.percent}{block}" if self.percent else ""

    @property
    def words(self) -> str:
        """It in words; empty where nothing is pruned."""
        if not self.percent:
            return ""
        blocks = f" in blocks of {self.block}" if self.block > 1 else ""
        return f"{self.percent} % zeros{blocks}"


DENSE = Pruning()


@dataclass(frozen=True, slots=True)
class Encoder:
    """The architecture of a model.

    Attributes:
        layers: that follow each other.
        width: numbers for each token.
        heads: of the attention.
        inner: numbers for each token within a feed-forward network.
        sequence_length: tokens of a sample.
        bottleneck: of MobileBERT; None for a BERT.
        segments: whether it is told which tokens are of the question.
        pruning: which weights of its layers are zero; embeddings, norms and logits are dense.
        published: F1 on the development set of SQuAD v1.1 by precision, of trained weights.
    """

    layers: int
    width: int
    heads: int
    inner: int
    sequence_length: int = SEQUENCE_LENGTH
    bottleneck: Bottleneck | None = None
    segments: bool = True
    pruning: Pruning = DENSE
    published: Mapping[str, PublishedQuality] = field(default_factory=dict, hash=False)

    @property
    def form(self) -> QuestionForm:
        """How a question becomes the inputs of its file."""
        form = QuestionForm(sequence_length=self.sequence_length)
        if self.segments:
            return form
        return replace(form, inputs=tuple(one for one in form.inputs if one.role != "segments"))

    @property
    def dimensions(self) -> tuple[int, ...]:
        """All that its weights depend on before they are pruned."""
        inside = astuple(self.bottleneck) if self.bottleneck else ()
        return self.layers, self.width, self.heads, self.inner, self.sequence_length, *inside

    @property
    def identity(self) -> list[int]:
        """All that its file depends on."""
        return [*self.dimensions, int(self.segments), *astuple(self.pruning)]


_ARCHITECTURES: Mapping[str, Encoder] = {
    "bert-large": Encoder(24, 1024, 16, 4096),
    "bert-base": Encoder(12, 768, 12, 3072),
    "distilbert": Encoder(6, 768, 12, 3072, segments=False),
    "tinybert-6": Encoder(6, 768, 12, 3072),
    "minilm-l12": Encoder(12, 384, 12, 1536),
    "mobilebert": Encoder(24, 512, 4, 512, bottleneck=Bottleneck(128, 128, 4)),
    "minilm-l6": Encoder(6, 384, 12, 1536),
    "mobilebert-14": Encoder(14, 512, 4, 512, bottleneck=Bottleneck(128, 128, 4)),
    "tinybert-4": Encoder(4, 312, 12, 1200),
    "bert-tiny": Encoder(2, 128, 2, 512),
}
"""The dense models; the last one is for trying things out."""
_REFERENCE = "MLPerf Inference, reference model"
_MLPERF = "MLPerf Inference v3.1, edge/open, Neural Magic"
_OBERT = "oBERT (Kurtic et al., arXiv:2203.07259), table 3"
_TINYBERT = "TinyBERT (Jiao et al., arXiv:1909.10351)"
_DISTILBERT = "DistilBERT (Sanh et al., arXiv:1910.01108)"
_PUBLISHED: Mapping[str, Mapping[str, tuple[float, str]]] = {
    "bert-large": {"fp32": (90.874, _REFERENCE), "int8": (90.067, _REFERENCE)},
    "bert-large-sparse80-block4": {"int8": (90.268, _MLPERF)},
    "bert-large-sparse95-block4": {"fp32": (90.178, _MLPERF), "int8": (90.030, _MLPERF)},
    "bert-base": {"fp32": (89.48, _OBERT), "int8": (89.06, _OBERT)},
    "bert-base-sparse80": {"fp32": (89.04, _OBERT)},
    "bert-base-sparse90": {"fp32": (88.31, _OBERT)},
    "bert-base-sparse95": {"int8": (87.819, _MLPERF)},
    "bert-base-sparse80-block4": {"fp32": (88.57, _OBERT), "int8": (87.89, _OBERT)},
    "bert-base-sparse90-block4": {"fp32": (87.57, _OBERT), "int8": (86.68, _OBERT)},
    "distilbert": {"fp32": (86.9, _DISTILBERT)},
    "tinybert-6": {"fp32": (87.5, _TINYBERT)},
    "tinybert-4": {"fp32": (82.1, _TINYBERT)},
    "mobilebert": {"fp32": (90.891, _MLPERF), "int8": (90.789, _MLPERF)},
    "mobilebert-14-sparse50-block4": {"fp32": (90.431, _MLPERF), "int8": (90.405, _MLPERF)},
}
"""By model and precision: percent and source.

Those of BERT-base are of one paper and one way to train, so that they compare with each other."""


def _variants() -> Iterator[tuple[str, Encoder]]:
    """Each architecture, and behind it its pruned variants."""
    pruned = (Pruning(percent, block) for block in BLOCKS for percent in PRUNED_PERCENTS)
    prunings = (DENSE, *pruned)
    for base, architecture in _ARCHITECTURES.items():
        for pruning in prunings:
            name = f"{base}{pruning.suffix}"
            figures = _PUBLISHED.get(name, {})
            published = {precision: PublishedQuality(*one) for precision, one in figures.items()}
            yield name, replace(architecture, pruning=pruning, published=published)


ENCODERS: Mapping[str, Encoder] = dict(_variants())
"""The builtin models, by name. Of most pruned ones, of MiniLM and of the smallest one nobody has
published an F1 on SQuAD v1.1."""
