"""What every way to quantise an ONNX file has in common: how it begins and ends, and the ranking.

Each is a function that makes one model of another one, and this makes a quantiser of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dse.models._onnx_products import straighten
from dse.models._sensitivity import SENSITIVITY_SAMPLES, rank_layers, require_int8_layer
from dse.models.onnx_normalise import tidy
from dse.models.subprocess_job import feeds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from onnx import ModelProto

    from dse.core.quantisation import Method


class Making(Protocol):
    """Makes a model in 8 bits of one in float32, which stays as it is.

    The given model is straightened and its operators have names. The samples are files of batch 1.
    The operators with the kept names stay in float32.
    """

    def __call__(
        self,
        source: ModelProto,
        samples: Sequence[Path],
        method: Method,
        kept: Collection[str],
        /,
    ) -> ModelProto: ...


@dataclass(frozen=True, slots=True)
class OnnxQuantiser:
    """A `dse.models.quantise_worker.Quantiser` of ONNX files.

    Attributes:
        read: reads a file in a form that ``make`` copes with.
        make: makes the model in 8 bits.
    """

    read: Callable[[Path], ModelProto]
    make: Making

    def quantise(
        self, model: Path, samples: Sequence[Path], method: Method, kept: Collection[str]
    ) -> bytes:
        """The int8 file."""
        made = self.make(self._source(model), samples, method, kept)
        if kept:
            require_int8_layer(made)
        tidy(made)
        data: bytes = made.SerializeToString(deterministic=True)
        return data

    def rank(self, model: Path, samples: Sequence[Path], method: Method) -> list[str]:
        """Names of the operators that may stay in float32, see `rank_layers`."""
        source = self._source(model)
        some = feeds(input_names(source), samples[:SENSITIVITY_SAMPLES])
        return rank_layers(source, self.make(source, samples, method, ()), some)

    def _source(self, model: Path) -> ModelProto:
        source = self.read(model)
        straighten(source)
        _name_operators(source)
        return source


def input_names(model: ModelProto) -> list[str]:
    """The names of a model's inputs, in the order of the samples' arrays."""
    return [one.name for one in model.graph.input]


def _name_operators(model: ModelProto) -> None:
    """Gives each operator without a name of its own one."""
    seen: set[str] = set()
    for node in model.graph.node:
        if not node.name or node.name in seen:
            node.name = f"{node.output[0]}/{node.op_type}"
        seen.add(node.name)
