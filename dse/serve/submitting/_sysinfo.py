"""What a file of MLCommons' ``mlperf-sysinfo`` says of a system, as far as it means the same.

Source: the profile ``inference`` of https://github.com/mlcommons/mlperf-sysinfo (its docs/outputs
and src/mlperf_sysinfo/output), 2026-09: one flat JSON object with the names of the submission
checker, and the object ``mlperf_sysinfo`` that tells how the file was made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import pydantic_core
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, create_model

from dse.config import yaml_reader
from dse.core.errors import RequestError
from dse.machine.system import UNKNOWN
from dse.submission.description import OF_MODELS, Origin, SystemDescriptionForm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dse.machine.system import System
    from dse.submission.description import DescribedField

MAX_BYTES = 1 << 18
FIELDS = tuple(name for name in SystemDescriptionForm.model_fields if name not in OF_MODELS)
"""The fields of the file that a ``system.yaml`` can have."""
STATUSES = ("available", "preview", "rdi")
CORES, PROCESSORS = "host_processor_core_count", "host_processors_per_node"
CPU, MEMORY, NODES = "host_processor_model_name", "host_memory_capacity", "number_of_nodes"
MAX_MEMORY_DIFFERENCE = 0.15
"""Of the measured memory: the file gives two figures, less what the kernel keeps for itself."""
_NOTHING = re.compile(
    r"|0|n/?a|not available|not detected.*|.*changeme.*|insert\b.*\bhere", re.IGNORECASE
)
"""What stands where nothing was found, or where nobody has filled anything in."""
_MEMORY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([KMGT])(i?)B?", re.IGNORECASE)
_TRADE = re.compile(r"\((r|tm|c)\)|[®™]|@.*$|\bcpu\b|\bprocessor\b", re.IGNORECASE)


class _Stamp(BaseModel):
    """How a file was made."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    profile: Annotated[str, StringConstraints(max_length=100)]
    shape: Annotated[str, StringConstraints(max_length=100)]
    complete: bool


_Told = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=500),
    BeforeValidator(lambda value: str(value) if type(value) in (int, float) else value),
]
_FILE_FIELDS: dict[str, Any] = dict.fromkeys(FIELDS, (_Told | None, None))
_SysinfoForm: type[BaseModel] = create_model(
    "_SysinfoForm",
    __config__=ConfigDict(extra="ignore", frozen=True),
    mlperf_sysinfo=(_Stamp, ...),
    **_FILE_FIELDS,
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What is made of a file.

    Attributes:
        values: that are taken over, by field.
        left_out: fields of which the file says something that is not taken over, and why.
        contradictions: why the file is of another system, a line each; then nothing is taken.
    """

    values: Mapping[str, str]
    left_out: tuple[tuple[str, str], ...] = ()
    contradictions: tuple[str, ...] = ()


def read_sysinfo(
    content: bytes, system: System, fields: Iterable[DescribedField], told: Iterable[str]
) -> Taken:
    """Reads a file, and holds it against what was measured.

    Args:
        content: of the file.
        system: that the study was measured on.
        fields: its description as it is known.
        told: names of the fields that the user tells already.

    Raises:
        RequestError: it is no such file, or not one of a whole system; names the field.
    """
    said = _said(content)
    if contradictions := tuple(_contradictions(said, system)):
        return Taken({}, contradictions=contradictions)
    known, own = {each.name: each for each in fields}, frozenset(told)
    values: dict[str, str] = {}
    left_out: list[tuple[str, str]] = []
    for name, value in said.items():
        if value == known[name].value:
            continue  # it is known already
        if name in own:
            reason = "you tell it yourself"
        else:
            reason = _unlike(name, said) or _detected(value, known[name])
        if not reason:
            values[name] = value.lower() if name == "status" else value
        else:
            left_out.append((name, reason))
    return Taken(values, tuple(left_out))


def _said(content: bytes) -> dict[str, str]:
    """The fields of a file that say something."""
    try:
        data = pydantic_core.from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise RequestError(f"is not JSON: {error}", field="file") from error
    if not isinstance(data, dict) or "mlperf_sysinfo" not in data:
        raise RequestError(
            "is not from mlperf-sysinfo: nothing in it says how it was made",
            field="file",
            remedy="give the system_desc.json that it writes",
        )
    form = yaml_reader.check(data, _SysinfoForm).model_dump()
    stamp = form["mlperf_sysinfo"]
    if stamp["shape"] != "flat":
        raise RequestError(
            f"is of the profile '{stamp['profile']}', whose fields mean something else",
            field="mlperf_sysinfo.profile",
            remedy="let mlperf-sysinfo write one with `profile: inference`",
        )
    if not stamp["complete"]:
        problem = "is a partial capture: a node did not answer"
        raise RequestError(problem, field="mlperf_sysinfo.complete", remedy="capture it again")
    found = {name: " ".join((form[name] or "").split()) for name in FIELDS}
    return {name: value for name, value in found.items() if not _NOTHING.fullmatch(value)}


def _contradictions(said: Mapping[str, str], system: System) -> Iterator[str]:
    """What a study can't have been measured on."""
    cpu, memory, nodes = said.get(CPU), said.get(MEMORY), said.get(NODES)
    if cpu and UNKNOWN not in system.cpu and not _same_cpu(cpu, system.cpu):
        yield f"{CPU}: the file has '{cpu}', the study was measured on '{system.cpu}'"
    if memory and system.memory_bytes and not _same_memory(memory, system.memory_bytes):
        measured = f"{system.memory_gib} GiB"
        yield f"{MEMORY}: the file has '{memory}', the study was measured with {measured}"
    if nodes and nodes != "1":
        yield f"{NODES}: the file has '{nodes}', the study was measured on one"


def _same_cpu(one: str, other: str) -> bool:
    """Whether two names may be those of one CPU: trade marks aside, one is within the other."""
    names = [" ".join(_TRADE.sub(" ", each.casefold()).split()) for each in (one, other)]
    return names[0] in names[1] or names[1] in names[0]


def _same_memory(text: str, measured: int) -> bool:
    """Whether an amount may be that of a machine; what can't be read says nothing."""
    found = _MEMORY.fullmatch(text)
    if found is None:
        return True
    power = 1 + "KMGT".index(found[2].upper())
    bases: Sequence[int] = (1024,) if found[3] else (1000, 1024)
    amounts = (float(found[1]) * base**power for base in bases)
    return any(abs(each / measured - 1) <= MAX_MEMORY_DIFFERENCE for each in amounts)


def _unlike(name: str, said: Mapping[str, str]) -> str:
    """Why a field does not mean the same; empty where it does."""
    if name == "status" and said[name].lower() not in STATUSES:
        return f"'{said[name]}' is none of {', '.join(STATUSES)}"
    if name == CORES and said.get(PROCESSORS) != "1":
        return "the file counts the cores of all processors, this field those of one"
    return ""


def _detected(value: str, known: DescribedField) -> str:
    """Why a value is not needed; empty where nothing better is known."""
    if known.origin in (Origin.NOBODY, Origin.ASSUMED, Origin.RUNS):
        return ""
    return f"{known.origin} says '{known.value}', the file '{value}'"
