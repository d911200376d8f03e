"""The execution providers of ONNX Runtime for CPUs: their names, options, and share of a model.

An operator that a provider does not take runs on the CPU provider, as everything runs there that no
other one takes. Nothing else is left to the runtime: it would go on without a provider that it
could not make.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from dse.core.backend import Lack, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dse.core.backend import LoadRequest

CPU = "CPUExecutionProvider"
PROVIDERS = {
    "cpu": CPU,
    "openvino": "OpenVINOExecutionProvider",
    "dnnl": "DnnlExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
}
"""Value of the knob to the runtime's own name."""
ASSIGNMENT = "session.record_ep_graph_assignment_info"
"""Has a session say which provider takes which operator; builds before 1.24 don't know it."""

Provider = str | tuple[str, dict[str, str]]


def lacks() -> Iterator[Lack]:
    """The providers that the installed build has not."""
    import onnxruntime

    built = onnxruntime.get_available_providers()
    for value, name in PROVIDERS.items():
        if name not in built:
            yield Lack("provider", value, f"this build of ONNX Runtime has no {name}")


def providers(request: LoadRequest, default: str) -> list[Provider]:
    """What a session is made with: the provider that is asked for, then the CPU's.

    Args:
        request: what to load.
        default: the value of the knob where the configuration has none.

    Raises:
        UnsupportedError: another knob asks for what this provider does not do.
    """
    value = str(request.knob("provider", default))
    name, threads = PROVIDERS[value], str(request.configuration.threads)
    if value == "cpu":
        return [CPU]
    if value != "openvino" and request.knob("exact_int8", False):
        raise UnsupportedError(f"exact_int8 is no option of provider {value}")
    options = {
        "openvino": {"device_type": "CPU", "load_config": _openvino(request)},
        "dnnl": {"num_of_threads": threads},
        "xnnpack": {"intra_op_num_threads": threads},
    }
    return [(name, options[value]), CPU]


def _openvino(request: LoadRequest) -> str:
    """The properties that OpenVINO's own backend sets, too: it would compute in bf16 by itself."""
    exact = {"LP_TRANSFORMS_MODE": "NO"} if request.knob("exact_int8", False) else {}
    properties = {
        "INFERENCE_NUM_THREADS": str(request.configuration.threads),
        "NUM_STREAMS": "1",
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        **exact,
    }
    return json.dumps({"CPU": properties})


def name_of(provider: Provider) -> str:
    """The runtime's own name of a provider."""
    return provider if isinstance(provider, str) else provider[0]


def check(session: Any, wanted: str) -> str:
    """Makes sure that a session runs on the provider that was asked for.

    Args:
        session: of onnxruntime.
        wanted: the runtime's own name of the provider.

    Returns:
        How many operators the provider has taken, in words; empty where the build does not tell,
        and for the CPU's own.

    Raises:
        UnsupportedError: the session has no such provider, or it has taken nothing.
    """
    if wanted not in session.get_providers():
        raise UnsupportedError(f"ONNX Runtime could not make its {wanted}")
    if wanted == CPU or not hasattr(session, "get_provider_graph_assignment_info"):
        return ""
    taken: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        taken[part.ep_name] += len(part.get_nodes())
    if not taken[wanted]:
        raise UnsupportedError(f"{wanted} takes none of the model's {taken.total()} operators")
    return f"{wanted} has {taken[wanted]} of {taken.total()} operators"
