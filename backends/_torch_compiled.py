"""A graph compiled by PyTorch's inductor into C++ of its own."""

from __future__ import annotations

import hashlib
import importlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from dse.core.backend import UnsupportedError

from ._runtime_cache import runtime_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import fx

VARIABLE = "TORCHINDUCTOR_CACHE_DIR"
SETTINGS = {
    "freezing": True,  # weights are laid out for their kernels at once
    "compile_threads": 1,  # others would be processes that stay beside the measurement
}


def choose_folder() -> None:
    """Has what is compiled kept in the user's cache, unless the environment names another place.

    To be called before inductor is imported, as a part of PyTorch's own doings with graphs: it
    decides on folders then, on that of its headers by the folder of temporary files alone.
    """
    before, tempfile.tempdir = tempfile.tempdir, os.environ.setdefault(VARIABLE, str(_folder()))
    try:
        importlib.import_module("torch._inductor.codecache")
    finally:
        tempfile.tempdir = before


def compile_graph(module: fx.GraphModule, inputs: Sequence[torch.Tensor]) -> Callable[..., Any]:
    """What computes the same as a module, for inputs of these shapes and the present threads.

    Raises:
        UnsupportedError: there is no C++ compiler, or the graph is none for it.
    """
    import torch._inductor
    from torch._inductor import config
    from torch._inductor.exc import CppCompileError, InductorError, InvalidCxxCompiler

    try:
        with config.patch(SETTINGS), torch.inference_mode():
            found: Callable[..., Any] = torch._inductor.compile(module, list(inputs))  # noqa: SLF001
            found(*inputs)
    except (InvalidCxxCompiler, CppCompileError, InductorError) as error:
        raise UnsupportedError(_reason(error)) from error
    return found


def _reason(error: BaseException) -> str:
    if "InvalidCxxCompiler" in f"{type(error).__name__} {error}":
        return "compile=true needs a C++ compiler, and there is no g++ on the PATH"
    return f"the graph can't be compiled: {str(error).strip().splitlines()[0]}"


def _folder() -> Path:
    """The folder of what was compiled, of this user and this kind of CPU."""
    return runtime_folder("inductor", f"torch{torch.__version__}-{_cpu()}")


def _cpu() -> str:
    """A name for the instructions that code may be made of: homes may be shared by machines."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    lines = text.split("\n\n")[0].splitlines()
    told = [line for line in lines if line.startswith(("flags", "Features", "model name"))]
    known = "\n".join([*told, torch.backends.cpu.get_cpu_capability()])
    return hashlib.sha256(known.encode()).hexdigest()[:12]
