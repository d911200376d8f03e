"""What a failure's message comes down to: the operator and the cause, without what surrounds them.

Runtimes put their own source paths, signatures and classes around the few words that tell why.
The whole message is stored; progress lines, tables and groups of failures show its essence.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from dse.core.printable import to_printable

if TYPE_CHECKING:
    from dse.core.measurement import Failure

MAX_WIDTH = 120
"""Characters of an essence that are shown."""
MAX_NAME = 32
"""The longest name of a node that is shown; exporters and expanded functions make longer ones."""

_CLASSES = (
    *("RuntimeError", "ValueError", "Exception", "Fail", "InvalidArgument", "InvalidGraph"),
    *("InvalidProtobuf", "NoModel", "NoSuchFile", "NotFound", "NotImplemented", "RuntimeException"),
)
_SOURCE = r"(?:/?(?:[\w.+-]{1,64}/){0,16}[\w+-]{1,64}\.(?:cc|cpp|cxx|h|hpp|inl))"
_WHERE = re.compile(
    r"Non-zero status code returned while running (?P<ort>\S+) node\. "
    r"Name:'(?P<ort_name>[^']*)' Status Message: "
    r"|^-- (?P<openvino>\w+)-\d+ with a message:"
    r"|While validating ONNX node '<Node\((?P<onnx>\w+)\): (?P<onnx_name>[^>]*)>':"
    r"|While validating node '(?:\w+::)?(?P<inner>\w+) .*?' with friendly_name '[^']*':"
    r"|Error is encountered while working with operation of type (?P<type>\w+) and name \w+\."
    r"|Node number (?P<number>\d+) \((?P<tflite>[^)]+)\) failed to (?:prepare|invoke)\.",
    re.MULTILINE,
)
"""The operators around the cause, the outermost first."""
_AROUND = re.compile(
    "|".join(
        (
            rf"^(?:{'|'.join(_CLASSES)}): ",
            # ONNX Runtime
            r"\[ONNXRuntimeError\] : \d+ : \w+ : ",
            r"(?:Error in execution|Exception during initialization|Fatal error): ",
            r"NM: error: (?:Failed to load model with error: )?|Load model from .+? failed: ?",
            r"This is an invalid model\. (?:In Node, .*?, Error )?",
            r"ONNX Runtime only \*guarantees\* support .*? opset versions\. ",
            r" and support for this is limited|The operator schemas and or .*? compatibility\. ",
            r" with name ''| \(node:'\w*' ep:'\w+'\)",
            r"Op with name [^\n]*Encountered following errors: \(|Version mismatch\. .*$",
            r"Kernel found .*? types are incompatible\.| \)$",
            r"This op has been implemented only for the following types \(.*?,\), but ",
            r"If you need support create a github issue with justification\.",
            r" for the following indices$| *Please fix either the inputs/outputs or the model\.",
            # OpenVINO
            rf"Exception from {_SOURCE}:\d+:",
            r"^FrontEnd API failed with \w+:",
            r"^Model wasn't fully converted\.(?: Failed operations detailed log:)?",
            r"^(?:Loading input model|Details:|Not Implemented:|Unexpected: )",
            r"\[[\w:]+\] END: node: .*? CALLBACK HAS THROWN:",
            r"^Shape inference input shapes .*$",
            r"^-- Conversion is failed for: .*$|^Summary:$|^-- (?=No )",
            # TensorFlow Lite
            r"See instructions: https?://[\w./-]*/(?:ops_custom|ops_select)",
            r"Failed to apply the default TensorFlow Lite delegate indexed at \d+\.",
            r"AllocateTensors\(\) called on inconsistent model\.",
            r"Make sure you apply/link the Flex delegate.*? dependency\.",
        )
    ),
    re.MULTILINE,
)
"""What stands around the cause and tells nothing of it."""
_FURTHER = re.compile(
    r"(?P<first>^-- \w+-\d+ with a message:.*?)^-- \w+-\d+ with a message:.*?(?=^Summary|\Z)",
    re.MULTILINE | re.DOTALL,
)
"""A second operator that fails, and all after it."""
_LONG = re.compile(rf"\w{{{MAX_NAME + 1},}}")
_CHECK = re.compile(rf"Check '(.*?)' failed at {_SOURCE}:\d+:", re.DOTALL)
_LOCATION = re.compile(rf"(?P<source>{_SOURCE})(?P<line>:\d+)?:? ")
_QUALIFIER = re.compile(r"\s*(?:const\b|noexcept\b|::<lambda\(.*?\)>|\[with [^\]]*\])")
_CONDITION = re.compile(r"\A.{1,600}? was false\.\s*(?=\S)", re.DOTALL)
_ABSOLUTE = re.compile(r"(?<![\w.:/])/(?:[^\s/'\":;,()]{1,64}/){1,32}([^\s/'\":;,()]+)")
_NAMES = re.compile(
    r" ?'[^']*'|(?<=name: )\S+|(?<=put: )[^\s;]+|(?<=operators: )\S+"
    r"|[^\s:]+(?<!\bai)\.(?:onnx|tflite|data)(?![\w.])|\w*…\w*"
)
_NUMBERS = re.compile(r"(?<![A-Za-z\d])[+-]?\d+(?:[.,x]?\s?\d+)*")
_REPEATED = re.compile(r"(.{8,60}?)\1+")
_READ = 6000
"""Characters of a message that are read."""


def boil_down(message: str) -> str:
    """Brings a message down to its essence, one line: where it failed, and why.

    Args:
        message: of a failure, in the words of the runtime or of this program.
    """
    return _clip(_strip(message))


def describe_failure(failure: Failure) -> str:
    """A failure in one line: its kind, and what its message comes down to."""
    return f"{failure.kind.value}: {boil_down(failure.message)}"


@lru_cache
def generalise(message: str) -> str:
    """Leaves what messages of one reason share: all but numbers and names of nodes and files."""
    return _REPEATED.sub(r"\1", _NUMBERS.sub("N", _NAMES.sub("", _strip(message))))


def _strip(message: str) -> str:
    message = _FURTHER.sub(r"\g<first>", message[:_READ])
    text = _AROUND.sub("", _WHERE.sub("\n", message))
    told = _CHECK.sub("", text).strip()
    if not told and (checks := _CHECK.findall(text)):
        told = f"check failed: {checks[-1]}"
    cause = _ABSOLUTE.sub(r"\1", _once(_in_one_line(_without_locations(told)))).strip(" ;:")
    words = [*_operators(message, cause), cause] if cause else _operators(message, cause)
    text = _LONG.sub(lambda found: f"{found[0][:14]}…{found[0][-14:]}", ": ".join(words))
    return to_printable(text)


def _operators(message: str, cause: str) -> list[str]:
    """The operators that a message names around its cause, each once, the outermost first."""
    found = list(dict.fromkeys(_operator(each) for each in _WHERE.finditer(message)))
    others = [
        (one, [*found[:place], *found[place + 1 :], cause]) for place, one in enumerate(found)
    ]
    return [one for one, rest in others if not any(other.startswith(one) for other in rest)]


def _in_one_line(text: str) -> str:
    lines = filter(None, (" ".join(line.split()) for line in text.splitlines()))
    return re.sub(r"(?<=[.,:;])\n", " ", "\n".join(lines)).replace("\n", "; ")


def _clip(text: str) -> str:
    if len(text) <= MAX_WIDTH:
        return text
    words = text[:MAX_WIDTH].rpartition(" ")[0]
    return f"{words if len(words) > MAX_WIDTH // 2 else text[: MAX_WIDTH - 1]}…"


def _operator(found: re.Match[str]) -> str:
    """An operator, with the name or the number of its node."""
    part = found.groupdict()
    if part["number"]:
        return f"{part['tflite']} (node {part['number']})"
    name = part["ort_name"] or part["onnx_name"] or ""
    operator = part["ort"] or part["onnx"] or part["openvino"] or part["inner"] or part["type"]
    return f"{operator} '{name}'" if 0 < len(name) <= MAX_NAME else operator


def _without_locations(text: str) -> str:
    """Takes out places in a runtime's source, the functions and the conditions there."""
    parts, end = [], 0
    for found in _LOCATION.finditer(text):
        if found.start() < end:
            continue
        parts.append(text[end : found.start()])
        rest = _without_signature(text[found.end() :])
        if "/" not in found["source"]:  # the function alone stands there, without a signature
            rest = re.sub(r"^[A-Z]\w+ (?=\S)", "", rest)
        rest = _CONDITION.sub("", rest, count=1)
        end = len(text) - len(rest)
    return "".join((*parts, text[end:]))


def _without_signature(text: str) -> str:
    """Takes off the signature of a C++ function at the front, if there is one."""
    head, bracket, _ = text.partition("(")
    if not bracket or not ("::" in head or re.match(r"(?:virtual|static|void|bool|int)\b", head)):
        return text
    start = len(head) + 2 if head.endswith("operator") else len(head)
    depths = accumulate({"(": 1, ")": -1}.get(each, 0) for each in text[start : start + 2000])
    end = next((start + place for place, depth in enumerate(depths) if depth == 0), len(head))
    rest = text[end + 1 :]
    while found := _QUALIFIER.match(rest):
        rest = rest[found.end() :]
    return rest.lstrip()


def _once(text: str) -> str:
    """A text that is told over and over, once."""
    start = text[:MAX_NAME]
    again = text.find(start, MAX_NAME)
    return text[:again] if again > 0 else text
