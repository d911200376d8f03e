"""From a backend's name to the backend, imported on demand.

The modules in ``backends/`` import no runtime before they are asked to, so that knobs and formats
can be read on a machine where the runtime is missing.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from dse.core.errors import RequestError

if TYPE_CHECKING:
    from dse.core.backend import Backend


@dataclass(frozen=True, slots=True)
class BackendEntry:
    """Where a backend lives, and what its runtime needs.

    Attributes:
        target: the class, as ``module:name``.
        extra: the extra of the distribution that installs its runtime beside it.
        python: the version of Python that its runtime ends at; it runs in an environment of its
            own, from the pinned requirements beside the backend.
    """

    target: str
    extra: str | None = None
    python: str | None = None

    @property
    def has_runtime(self) -> bool:
        """Whether there is anything to install."""
        return self.extra is not None or self.python is not None


BACKENDS = {
    "onnxruntime": BackendEntry("dse.backends.onnxruntime:OnnxRuntime", extra="onnxruntime"),
    "litert": BackendEntry("dse.backends.litert:LiteRT", extra="litert"),
    "openvino": BackendEntry("dse.backends.openvino:OpenVINO", extra="openvino"),
    "deepsparse": BackendEntry("dse.backends.deepsparse:DeepSparse", python="3.11"),
    "tflite-runtime": BackendEntry("dse.backends.tflite_runtime:TFLiteRuntime", python="3.11"),
    "null": BackendEntry("dse.backends.null:Null"),
    "replay": BackendEntry("dse.backends.replay:Replay"),
}


def backend(name: str) -> Backend:
    """The backend of that name; its runtime need not be installed.

    Raises:
        RequestError: no backend has that name.
    """
    if name not in BACKENDS:
        raise RequestError(f"unknown backend '{name}'", remedy=f"known are {', '.join(BACKENDS)}")
    module, _, attribute = BACKENDS[name].target.partition(":")
    return cast("Backend", getattr(importlib.import_module(module), attribute)())
