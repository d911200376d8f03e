"""The environment variables of a process that measures, probes a runtime or makes a model.

Runtimes read dozens of variables, and some change the results: `ONEDNN_VERBOSE=1` alone makes
OpenVINO answer without computing. So such a process gets only the variables that it needs.
Variables that a user sets on purpose (``--env``) are added, recorded with the study and compared
when the study is resumed. Standard library only.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED_VARIABLES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "TZ", "LANG", "LANGUAGE"),
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DSE_CACHE_DIR"),
    }
)
"""Variables that a process needs to find programs and files, in addition to those of `LOCALE`."""
LOCALE = "LC_"
NO_HOME = "/nonexistent"
"""The home folder of a user who has none: OpenVINO can't be imported without one."""
OWN_PYTHON = ("PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "__PYVENV_LAUNCHER__")
"""Variables that lead this Python to its libraries, and another Python to wrong ones."""
LIBRARIES = (
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    *("NIX_LD", "NIX_LD_LIBRARY_PATH"),
)
"""Search paths of shared libraries. On some systems no runtime works without them, and they may
replace a runtime's own library: they are passed on, recorded and compared."""
QUIET = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime writes an id and a database when it is imported
    "CI": "true",  # the one variable that silences OpenVINO, which does the same
    "NM_DISABLE_ANALYTICS": "1",  # DeepSparse reports each import and each model
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
"""Variables that turn telemetry off: it writes into the home folder, and uploads during runs."""

STEERING = (
    *("ONEDNN_", "DNNL_", "MKL_", "MKLDNN_", "OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_", "NUMEXPR_"),
    *("OMP_", "GOMP_", "KMP_", "LIBOMP_", "TBB_", "NPY_"),
    *("ORT_", "MLAS_", "OV_", "OPENVINO_", "NM_", "XNNPACK_", "TFLITE_", "ARM_COMPUTE_"),
    *("TORCH", "PYTORCH_", "ATEN_"),
    *("TF_NUM_", "TF_ENABLE_", "TF_DISABLE_", "TF_XLA_", "TF_CPP_", "TF_LITE", "TF_ONEDNN_"),
    *("MALLOC_", "MIMALLOC_", "TCMALLOC_", "JE_MALLOC_", "_RJEM_MALLOC_", "GLIBC_TUNABLES"),
    *("LD_PRELOAD", "LD_AUDIT", "LD_BIND_", "LD_PROFILE", "LD_DEBUG", "DYLD_INSERT_LIBRARIES"),
    *("PYTHONMALLOC", "PYTHONOPTIMIZE", "PYTHONDEVMODE", "PYTHONTRACEMALLOC", "PYTHONPERF"),
    *("PYTHONPROFILE", "PYTHON_GIL", "PYTHON_JIT", "PYTHON_CPU_COUNT"),
)
"""Prefixes of variables that change the speed or the results of a runtime. All variables that are
not needed are left out; if one of these is set, the user is told."""

PRELOADS = ("LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES")


def worker_environment(interpreter: str, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of a process that measures, probes a runtime or makes a model.

    Args:
        interpreter: path of its Python.
        given: result of `add_libraries`, perhaps a recorded one; None for only the shell's
            `LIBRARIES`.
    """
    own = OWN_PYTHON if interpreter == sys.executable else ()
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in NEEDED_VARIABLES or name.startswith(LOCALE) or name in own
    }
    kept["HOME"] = _home_folder()
    return {**kept, **(add_libraries({}) if given is None else given), **QUIET}


def _home_folder() -> str:
    """The user's home folder, whether or not the shell names it."""
    home = os.environ.get("HOME", "")
    try:
        return home if os.path.isabs(home) else pwd.getpwuid(os.getuid()).pw_dir  # noqa: PTH117
    except KeyError:
        return NO_HOME


def add_libraries(given: Mapping[str, str]) -> dict[str, str]:
    """The variables that a study records: those that a user gives, and the shell's `LIBRARIES`."""
    shell = {name: os.environ[name] for name in LIBRARIES if os.environ.get(name)}
    return dict(sorted({**shell, **given}.items()))


def user_variables(environment: Mapping[str, str] | None) -> dict[str, str]:
    """The recorded variables of a study that the user has set for it."""
    return {name: value for name, value in (environment or {}).items() if name not in LIBRARIES}


def format_variables(environment: Mapping[str, str]) -> str:
    """Variables in one line, quoted for a shell."""
    return " ".join(shlex.join([f"{name}={value}"]) for name, value in environment.items())


def describe_differences(before: Mapping[str, str] | None, now: Mapping[str, str]) -> list[str]:
    """How the recorded variables of a study differ from those of its next workers.

    Args:
        before: the recorded variables; None for a study of an earlier version, which recorded none
            and let the user set none.
        now: result of `add_libraries`.
    """
    if before is None:
        before, now = {}, user_variables(now)
    return [
        f"{name} was {_format_value(before.get(name))} and is {_format_value(now.get(name))}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


def describe_way_back(before: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    """How to undo what `describe_differences` reports, in words."""
    before = before or {}
    again = [name for name, value in before.items() if now.get(name) != value]
    others = [name for name in now if name not in before]
    options = " ".join(f"--env {format_variables({name: before[name]})}" for name in again)
    steps = [f"give {options}"] * bool(again) + [f"do without {', '.join(others)}"] * bool(others)
    return " and ".join(steps)


def _format_value(value: str | None) -> str:
    return "not set" if value is None else repr(value)


def installer_environment(interpreter: str) -> dict[str, str]:
    """The variables of a process that looks for a Python or installs into one.

    It needs proxies, certificates and everything else that the shell sets for downloads.
    """
    if interpreter == sys.executable:
        return dict(os.environ)
    foreign = ("PYTHONPATH", *OWN_PYTHON)
    return {name: value for name, value in os.environ.items() if name not in foreign}


def ignored_variables(given: Mapping[str, str]) -> tuple[str, ...]:
    """Names of variables that steer runtimes and are set in the shell, but reach no measurement.

    Args:
        given: the variables that reach it.
    """
    return tuple(
        name
        for name in sorted(os.environ)
        if name.startswith(STEERING) and name not in given and name not in QUIET
    )


def why_refused(name: str, value: str) -> str | None:
    """Why a variable can't be given to a measurement; None if it can."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is None:
        return f"'{name}' is not the name of a variable; write NAME=VALUE"
    if not value.isprintable():
        return f"the value of {name} has characters that can't be shown"
    if name.startswith(("PYTHON", "__PYVENV", "DSE_")):
        return f"{name} would change the worker itself, not the runtime; leave it out"
    if name in NEEDED_VARIABLES or name.startswith(LOCALE):
        return f"{name} reaches the measurement as the shell has it; set it there"
    if name in QUIET:
        return f"{name} is always {QUIET[name]}; leave it out"
    if name.endswith("_THREADS"):
        return f"{name} would contradict the configuration; choose threads there"
    if name == "TF_ENABLE_ONEDNN_OPTS":
        return f"{name} is what tensorflow's knob 'onednn' sets; choose it in the configuration"
    if name == "ORT_LOAD_CONFIG_FROM_MODEL":
        return f"{name} would let the model decide threads; choose them in the configuration"
    if name in PRELOADS:
        return _why_preload_refused(name, value)
    return None


def _why_preload_refused(name: str, value: str) -> str | None:
    """Why a list of libraries is refused: the loader silently skips a library that is missing."""
    for path in re.split(r"[: ]+", value.strip(": ")):
        if not os.path.isabs(path) or not os.path.isfile(path):  # noqa: PTH117, PTH113
            return f"{name}: '{path}' is not the absolute path of a file"
    return None
