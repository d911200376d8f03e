"""The build of ONNX Runtime that has OpenVINO's execution provider.

It is a distribution of its own with the module name of the other builds, so that it can't be
installed beside them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from .onnxruntime import PROVIDER, OnnxRuntime

if TYPE_CHECKING:
    from dse.core.backend import Knob


class OnnxRuntimeOpenVINO(OnnxRuntime):
    """ONNX Runtime with OpenVINO's provider, which is the default here."""

    name: ClassVar[str] = "onnxruntime-openvino"
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    knobs: ClassVar[tuple[Knob, ...]] = (
        *(knob for knob in OnnxRuntime.knobs if knob.name != PROVIDER.name),
        replace(PROVIDER, default="openvino"),
    )
