"""From a backend's name to the backend, imported on demand.

The modules in ``backends/`` import no runtime before they are asked to, so that knobs and formats
can be read on a machine where the runtime is missing.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from dse.errors import RequestError, UnavailableError

if TYPE_CHECKING:
    from dse.contract import Backend


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a backend lives, and which extra of the distribution installs its runtime."""

    target: str
    extra: str | None


BACKENDS = {
    "onnxruntime": Entry("dse.backends.onnxruntime:OnnxRuntime", "onnxruntime"),
    "litert": Entry("dse.backends.litert:LiteRT", "litert"),
    "openvino": Entry("dse.backends.openvino:OpenVINO", "openvino"),
    "null": Entry("dse.backends.null:Null", None),
    "replay": Entry("dse.backends.replay:Replay", None),
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


def runtime_version(name: str) -> str:
    """The version of a backend's runtime as installed here.

    Raises:
        UnavailableError: the runtime is not installed; the remedy names the extra.
    """
    try:
        return backend(name).version()
    except ImportError as error:
        raise UnavailableError(
            f"backend '{name}' is not usable here: {error}", remedy=remedy(name)
        ) from error


def remedy(name: str) -> str:
    """How to get a backend's runtime."""
    extra = BACKENDS[name].extra
    return f"pip install 'mlperf-dse[{extra}]'" if extra else "reinstall mlperf-dse"
