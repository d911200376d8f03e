"""An ONNX file in int8 as OpenVINO's nncf makes it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from dse.models._onnx_int8 import name_nodes
from dse.models._onnx_products import straighten
from dse.models._sensitivity import SENSITIVITY_SAMPLES, rank_layers
from dse.models.onnx_normalise import plain, scalable, tidy
from dse.models.subprocess_job import feeds

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from onnx import ModelProto

    from dse.core.quantisation import Method


def whole_bytes(
    model: Path, samples: Sequence[Path], method: Method, kept: Collection[str]
) -> bytes:
    """Quantises a float32 ONNX file with one input; the samples are files of batch 1."""
    return _bytes(plain(model), samples, method, kept)


def whole_ranking(model: Path, samples: Sequence[Path], method: Method) -> list[str]:
    """Names of the layers that `whole_bytes` may keep, see `rank_layers`."""
    return _ranking(plain(model), samples, method)


def encoder_bytes(
    model: Path, samples: Sequence[Path], method: Method, kept: Collection[str]
) -> bytes:
    """Quantises an encoder as nncf has it: more than its products by weights."""
    return _bytes(scalable(model), samples, method, kept, transformer=True)


def encoder_ranking(model: Path, samples: Sequence[Path], method: Method) -> list[str]:
    """Names of the layers that `encoder_bytes` may keep, see `rank_layers`."""
    return _ranking(scalable(model), samples, method, transformer=True)


def _bytes(
    source: ModelProto,
    samples: Sequence[Path],
    method: Method,
    kept: Collection[str],
    *,
    transformer: bool = False,
) -> bytes:
    inputs = _prepare(source, samples)
    quantised = _quantised(source, inputs, method, kept, transformer=transformer)
    tidy(quantised)
    data: bytes = quantised.SerializeToString(deterministic=True)
    return data


def _ranking(
    source: ModelProto, samples: Sequence[Path], method: Method, *, transformer: bool = False
) -> list[str]:
    inputs = _prepare(source, samples)
    quantised = _quantised(source, inputs, method, (), transformer=transformer)
    return rank_layers(source, quantised, inputs[:SENSITIVITY_SAMPLES])


def _prepare(source: ModelProto, samples: Sequence[Path]) -> list[dict[str, Any]]:
    """Names a model's operators; returns its inputs."""
    straighten(source)
    name_nodes(source)
    return list(feeds([one.name for one in source.graph.input], samples))


def _quantised(
    source: ModelProto,
    inputs: list[dict[str, Any]],
    method: Method,
    kept: Collection[str],
    *,
    transformer: bool,
) -> ModelProto:
    """What nncf makes of a model.

    Args:
        source: in float32; it stays as it is.
        inputs: the calibration samples.
        method: how.
        kept: names of the operators that stay in float32.
        transformer: whether the model is one.
    """
    # Otherwise it tells its makers about each call.
    os.environ["CI"] = "true"
    import nncf
    import onnx

    model = onnx.ModelProto()
    model.CopyFrom(source)
    # Half of the weights' range: two products can't saturate then.
    fix = nncf.OverflowFix.DISABLE if method.weight_range == "full" else nncf.OverflowFix.ENABLE
    found: ModelProto = nncf.quantize(
        model,
        nncf.Dataset(inputs),
        subset_size=len(inputs),
        model_type=nncf.ModelType.TRANSFORMER if transformer else None,
        ignored_scope=nncf.IgnoredScope(names=list(kept)) if kept else None,
        advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=fix),
    )
    return found
