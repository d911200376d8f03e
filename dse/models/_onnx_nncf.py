"""An ONNX file in int8 as OpenVINO's nncf makes it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dse.models._onnx_quantiser import input_names
from dse.models.subprocess_job import feeds

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from onnx import ModelProto

    from dse.core.quantisation import Method


def quantise_by_nncf(
    source: ModelProto,
    samples: Sequence[Path],
    method: Method,
    kept: Collection[str],
    *,
    transformer: bool = False,
) -> ModelProto:
    """Quantises a model; see `dse.models._onnx_quantiser.Making`.

    Args:
        source: the model.
        samples: those of the calibration.
        method: how.
        kept: names of the operators that stay in float32.
        transformer: whether the model is one; more than its products by weights is quantised.
    """
    # Otherwise it tells its makers about each call.
    os.environ["CI"] = "true"
    import nncf
    import onnx

    model = onnx.ModelProto()
    model.CopyFrom(source)
    inputs = list(feeds(input_names(source), samples))
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
