"""What OpenVINO compiles a model with, by itself and inside the ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._streamed import streams

if TYPE_CHECKING:
    from dse.core.backend import LoadRequest


def properties(request: LoadRequest) -> dict[str, str | int]:
    """The properties of the CPU plugin; it would compute in bf16 by itself."""
    configuration = request.configuration
    exact = {"LP_TRANSFORMS_MODE": "NO"} if request.knob("exact_int8", False) else {}
    # Each compiled model pins its threads to the first CPUs of the process, so that instances would
    # share one CPU; and CPUs that were chosen for an instance hold for the threads it starts.
    shared = configuration.instances > 1 or configuration.pinned
    return {
        "INFERENCE_NUM_THREADS": configuration.threads,
        "NUM_STREAMS": streams(request),
        "INFERENCE_PRECISION_HINT": str(request.knob("inference_precision", "f32")),
        "PERFORMANCE_HINT": str(request.knob("performance_hint", "latency")).upper(),
        **({"ENABLE_CPU_PINNING": "NO"} if shared else {}),
        **exact,
    }
