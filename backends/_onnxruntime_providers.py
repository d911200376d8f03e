"""The execution providers of ONNX Runtime: their names, options, and share of a model.

An operator that a provider does not take runs on the CPU provider, as everything runs there that no
other one takes. Nothing else is left to the runtime: it would go on without a provider that it
could not make.
"""

from __future__ import annotations

import ctypes
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from dse.core.backend import Lack, UnsupportedError
from dse.core.configuration import CPU, DEVICE

from ._openvino_properties import properties
from ._snippet import INDENT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from dse.core.backend import LoadRequest

CPU_PROVIDER = "CPUExecutionProvider"
CUDA_PROVIDER = "CUDAExecutionProvider"
PROVIDERS = {
    CPU: CPU_PROVIDER,
    "openvino": "OpenVINOExecutionProvider",
    "dnnl": "DnnlExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
}
"""Value of the knob to the runtime's own name, of those that compute on the CPU."""
ASSIGNMENT = "session.record_ep_graph_assignment_info"
"""Has a session say which provider takes which operator; builds before 1.24 don't know it."""

Provider = str | tuple[str, dict[str, str]]


def lacks(devices: Collection[str]) -> Iterator[Lack]:
    """The providers that the installed build has not, and the devices that are not here."""
    import onnxruntime

    built = onnxruntime.get_available_providers()
    for value, name in PROVIDERS.items():
        if name not in built:
            yield Lack("provider", value, not_built(name))
    if "cuda" in devices and CUDA_PROVIDER not in built:
        yield Lack(DEVICE, "cuda", not_built(CUDA_PROVIDER))
    elif "cuda" in devices and not _has_cuda():
        yield Lack(DEVICE, "cuda", "there is no NVIDIA GPU here, or no driver of it")


def not_built(name: str) -> str:
    """The complaint about a provider that the installed build has not."""
    return f"this build of ONNX Runtime has no {name}"


def _has_cuda() -> bool:
    """Whether NVIDIA's driver finds a GPU; its library comes with the driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    return not failed and count.value > 0


def providers(request: LoadRequest, default: str) -> list[Provider]:
    """What a session is made with: the provider that is asked for, then the CPU's.

    Args:
        request: what to load.
        default: the value of the knob where the configuration has none.

    Raises:
        UnsupportedError: another knob asks for what this provider does not do.
    """
    value, device = str(request.knob("provider", default)), request.configuration.device
    if device != CPU:
        if value != CPU:
            raise UnsupportedError(f"provider {value} computes on the CPU, not on {device}")
        # By itself it would compute float32 in TF32, with 10 bits of each fraction.
        return [(CUDA_PROVIDER, {"device_id": "0", "use_tf32": "0"}), CPU_PROVIDER]
    name, threads = PROVIDERS[value], str(request.configuration.threads)
    if value == CPU:
        return [CPU_PROVIDER]
    if value != "openvino" and request.knob("exact_int8", False):
        raise UnsupportedError(f"exact_int8 is no option of provider {value}")
    inside = {key: str(each) for key, each in properties(request).items()}
    options = {
        "openvino": {"device_type": "CPU", "load_config": json.dumps({"CPU": inside})},
        "dnnl": {"num_of_threads": threads},
        "xnnpack": {"intra_op_num_threads": threads},
    }
    return [(name, options[value]), CPU_PROVIDER]


def name_of(provider: Provider) -> str:
    """The runtime's own name of a provider."""
    return provider if isinstance(provider, str) else provider[0]


def code_of(chosen: Sequence[Provider]) -> tuple[list[str], list[str], list[str]]:
    """Code that makes a session on a provider, and on no other.

    Returns:
        Lines before the session, its further arguments, and lines after it.
    """
    first = chosen[0]
    if isinstance(first, str):
        return [], [f'providers=["{first}"]'], []
    name, options = first
    lines = [line for key, value in options.items() for line in _option(key, value)]
    providers = f'providers = [("{name}", given), "{CPU_PROVIDER}"]'
    before = ["given = {", *lines, "}", providers]
    return (
        before,
        ["providers=providers", "enable_fallback=0"],
        [f'assert "{name}" in session.get_providers()'],
    )


def _option(key: str, value: str) -> Iterator[str]:
    """An option as an entry of a dictionary; JSON is laid out for the reader."""
    if not value.startswith("{"):
        yield f'{INDENT}"{key}": "{value}",'
        return
    first, *middle, last = json.dumps(json.loads(value), indent=4).splitlines()
    yield f'{INDENT}"{key}": """{first}'
    yield from (f"{INDENT}{line}" for line in middle)
    yield f'{INDENT}{last}""",'


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
        lacks = "a library that it needs, or the device, is not here"
        raise UnsupportedError(f"ONNX Runtime could not make its {wanted}: {lacks}")
    if wanted == CPU_PROVIDER or not hasattr(session, "get_provider_graph_assignment_info"):
        return ""
    taken: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        taken[part.ep_name] += len(part.get_nodes())
    if not taken[wanted]:
        raise UnsupportedError(f"{wanted} takes none of the model's {taken.total()} operators")
    short = wanted.removesuffix("ExecutionProvider")
    return f"{taken[wanted]} of {taken.total()} operators on {short}"
