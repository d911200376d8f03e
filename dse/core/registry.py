"""From a backend's name to the backend, imported when it is asked for.

The modules in ``backends/`` import no runtime before they are asked to, so that knobs and formats
can be read on a machine where the runtime is missing. Other distributions offer backends as entry
points of the group `GROUP`, each as ``name = "module:Class"``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from dse.core.errors import RequestError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dse.core.backend import Backend

GROUP = "dse.backends"
MEMBERS = ("name", "formats", "precisions", "knobs", "settings", "version")
"""Attributes of every backend; see `dse.core.backend.Backend`."""


class ForeignCodeError(Exception):
    """Code of another distribution raised while it was loaded; the message says what."""


@dataclass(frozen=True, slots=True)
class BackendEntry:
    """Where a backend lives, and what its runtime needs.

    Attributes:
        target: the class, as ``module:name``.
        extra: the extra of this distribution that installs its runtime beside it.
        python: the version of Python of the environment of its own that its runtime needs, such as
            the last that it supports; made from the pinned requirements beside the backend.
        environment: the name of an environment of its own with this Python, from such requirements:
            its runtime is too large to be installed with the others, or is a build of one of them.
        distribution: the other distribution that offers it; empty for one of ours.
    """

    target: str
    extra: str | None = None
    python: str | None = None
    environment: str | None = None
    distribution: str = ""

    @property
    def has_runtime(self) -> bool:
        """Whether it needs a runtime, as far as that is known."""
        return bool(self.extra or self.python or self.environment or self.distribution)

    @property
    def apart(self) -> bool:
        """Whether its runtime is in an environment of its own."""
        return bool(self.python or self.environment)

    @property
    def package(self) -> str:
        """The top-level package or module that it lies in."""
        return self.target.partition(":")[0].partition(".")[0]


class _Backends(Mapping[str, BackendEntry]):
    """All backends by name; other distributions are looked through for unknown names only."""

    def __init__(self, shipped: Mapping[str, BackendEntry]) -> None:
        self._shipped = shipped
        self._offered: dict[str, BackendEntry] = {}

    def __getitem__(self, name: str) -> BackendEntry:
        return self._shipped.get(name) or self._offered.get(name) or self._others[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._shipped, **self._offered, **self._others})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def offer(self, name: str, target: str) -> None:
        """Adds a backend, a class as ``module:name``: a worker may not see its distribution."""
        self._offered[name] = BackendEntry(target, distribution="another distribution")

    @cached_property
    def _others(self) -> dict[str, BackendEntry]:
        """The backends that other distributions offer.

        Raises:
            UnavailableError: a name is offered twice, or is one of ours.
        """
        from importlib.metadata import entry_points

        found: dict[str, BackendEntry] = {}
        for point in entry_points(group=GROUP):
            source = f"{point.dist.name} {point.dist.version}" if point.dist else "a distribution"
            known = self._shipped.get(point.name) or found.get(point.name)
            if known is not None:
                raise UnavailableError(
                    f"{source} offers a backend '{point.name}', which is already one of "
                    f"{known.distribution or 'mlperf-dse'}",
                    remedy="uninstall one of the two",
                )
            found[point.name] = BackendEntry(point.value, distribution=source)
        return dict(sorted(found.items()))


BACKENDS = _Backends(
    {
        "onnxruntime": BackendEntry("dse.backends.onnxruntime:OnnxRuntime", extra="onnxruntime"),
        "litert": BackendEntry("dse.backends.litert:LiteRT", extra="litert"),
        "openvino": BackendEntry("dse.backends.openvino:OpenVINO", extra="openvino"),
        "mnn": BackendEntry("dse.backends.mnn:MNN", extra="mnn"),
        "deepsparse": BackendEntry("dse.backends.deepsparse:DeepSparse", python="3.11"),
        "tflite-runtime": BackendEntry("dse.backends.tflite_runtime:TFLiteRuntime", python="3.11"),
        "ncnn": BackendEntry("dse.backends.ncnn:NCNN", python="3.11"),
        "pytorch": BackendEntry("dse.backends.pytorch:PyTorch", environment="pytorch"),
        "executorch": BackendEntry("dse.backends.executorch:ExecuTorch", environment="pytorch"),
        "onnxruntime-openvino": BackendEntry(
            "dse.backends.onnxruntime_openvino:OnnxRuntimeOpenVINO",
            environment="onnxruntime-openvino",
        ),
        "tensorflow": BackendEntry("dse.backends.tensorflow:TensorFlow", environment="tensorflow"),
        "null": BackendEntry("dse.backends.null:Null"),
        "replay": BackendEntry("dse.backends.replay:Replay"),
    }
)


def backend(name: str) -> Backend:
    """The backend of that name; its runtime need not be installed.

    Raises:
        RequestError: no backend has that name.
        UnavailableError: it is another distribution's and can't be used.
    """
    entry = BACKENDS.get(name)
    if entry is None:
        raise RequestError(f"unknown backend '{name}'", remedy=f"known are {', '.join(BACKENDS)}")
    if not entry.distribution:
        return cast("Backend", _made(entry.target))
    try:
        found = cast("Backend", load_foreign(entry.target))
    except ForeignCodeError as error:
        raise _broken(name, entry, f"can't be loaded: {error}") from error
    missing = [f"'{member}'" for member in MEMBERS if not hasattr(found, member)]
    if missing:
        raise _broken(name, entry, f"has no {', '.join(missing)}")
    if found.name != name:
        raise _broken(name, entry, f"has the name '{found.name}'")
    return found


def load_foreign(target: str) -> Any:
    """An object of a class of another distribution.

    Its code is not ours and may raise anything, `SystemExit` too: whatever that is, the
    distribution can't be used, and everything else can. Nothing of ours runs in the block.

    Args:
        target: the class, as ``module:name``.

    Raises:
        ForeignCodeError: it can't be imported or made.
    """
    try:
        return _made(target)
    except (Exception, SystemExit) as error:
        raise ForeignCodeError(str(error) or type(error).__name__) from error


def _made(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)()


def _broken(name: str, entry: BackendEntry, problem: str) -> UnavailableError:
    return UnavailableError(
        f"backend '{name}' of {entry.distribution}: {entry.target} {problem}",
        remedy="install a version that works here, or uninstall it",
    )
