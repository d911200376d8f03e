"""What helps against failures whose reason is known: the one table of reasons and remedies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core import thread_limit
from dse.core.measurement import FailureKind

if TYPE_CHECKING:
    from dse.core.measurement import Failure


@dataclass(frozen=True, slots=True)
class _Known:
    """A reason that is known.

    Attributes:
        pattern: is found in the message; empty for every message.
        remedy: what helps, in one line; takes the groups of the pattern.
        kind: of the failure; None for every kind.
        of_sizes: whether inputs of another size may mend it.
        lacks_operator: whether the runtime lacks an operator; some find out only as they load.
    """

    pattern: str
    remedy: str
    kind: FailureKind | None = None
    of_sizes: bool = False
    lacks_operator: bool = False


_KNOWN = (
    _Known(
        r"support for domain (\S+) is till opset (\d+)",
        "export the model with opset {1} of {0} or a lower one, or upgrade the runtime",
    ),
    _Known(
        r"max supported IR version: (\d+)",
        "export the model with IR version {0} or a lower one, or upgrade the runtime",
    ),
    _Known(
        r"Could not find an implementation for|Failed to find kernel for",
        "export the model with another opset or type, upgrade the runtime, or try another backend",
        lacks_operator=True,
    ),
    _Known(
        r"No Op registered for|is not a registered function/op|No conversion rule found"
        r"|No translator found|builtin_code out of range|Didn't find op for builtin opcode",
        "upgrade the runtime, export the model without this operator, or try another backend",
        lacks_operator=True,
    ),
    _Known(
        r"unresolved custom op|Select TensorFlow op",
        "convert the model with TensorFlow Lite's own operators alone, or try another backend",
        lacks_operator=True,
    ),
    _Known(
        r"failed to reshape runtime",  # without the delegate the same files are refused
        "the model may take no other size than that in its file, such as a batch of 1",
        of_sizes=True,
    ),
    _Known(
        r"TfLiteXNNPackDelegate",
        "run it without the delegate: the knob xnnpack=false",
        of_sizes=True,
    ),
    _Known(
        r"Protobuf parsing failed|Unable to read the model|not a TFLite model|model is damaged",
        "the file is damaged or of another format: get it again",
    ),
    _Known(
        r"No module named '?([\w.]+)|cannot import name",
        "`dse backends` shows which runtimes can be used, and how to install the others",
    ),
    _Known(
        r"(\S+\.so\S*): cannot open shared object file",
        "install the system's package with the library {0}",
    ),
    _Known(r"thread limit", thread_limit.REMEDY),
    _Known(
        r"killed by the kernel",
        "end other programs, or take a smaller batch or fewer instances",
        FailureKind.OUT_OF_MEMORY,
    ),
    _Known(
        r"",
        "--memory-limit raises the limit; a smaller batch or fewer instances take less",
        FailureKind.OUT_OF_MEMORY,
    ),
    _Known(r"no answer within", "--run-timeout gives a run more time", FailureKind.TIMEOUT),
    _Known(
        r"SIGILL",
        "this build of the runtime takes instructions that the CPU lacks: try another one",
        FailureKind.CRASH,
    ),
)


def find_remedy(failure: Failure) -> str | None:
    """What helps against a failure, in one line; None where its reason is not a known one."""
    known = _find_known(failure)
    found = known and re.search(known.pattern, failure.message)
    return known.remedy.format(*found.groups()) if known and found else None


def has_other_cause(failure: Failure) -> bool:
    """Whether the reason of a failure is known, and is not the size of an input."""
    known = _find_known(failure)
    return known is not None and not known.of_sizes


def says_missing_operator(text: str) -> bool:
    """Whether an error text tells that the runtime lacks an operator of the model."""
    return any(known.lacks_operator and re.search(known.pattern, text) for known in _KNOWN)


def _find_known(failure: Failure) -> _Known | None:
    known = (one for one in _KNOWN if one.kind in (None, failure.kind))
    return next((one for one in known if re.search(one.pattern, failure.message)), None)
