"""The description of a system as a form: what is detected, told by the user, or missing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.config import yaml_reader
from dse.config.messages import suggest
from dse.core.errors import DseError, RequestError
from dse.core.paths import atomic_write, read_regular
from dse.serve.submitting._survey import system_file
from dse.submission.description import OF_RUNS, SystemDescriptionForm
from dse.tasks.benchmark import CLOSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dse.serve.posted import Fields
    from dse.serve.submitting._survey import Survey
    from dse.submission.description import DescribedField

FIELDS = tuple(SystemDescriptionForm.model_fields)
SEEN, DIVISION = "seen", "division"
"""The fields of the form that are not of the system: the file that it shows, and the division."""
CHOICES = {"status": ("available", "preview", "rdi")}
HELP = {
    "status": "can it be bought (available), soon (preview), or is it for research (rdi)",
    "system_name": "what it is called in the results, such as vendor and model",
    "number_of_nodes": "how many machines the runs were on",
    "operating_system": "name and version",
    "host_processor_model_name": "the CPU, as its maker calls it",
    "host_processors_per_node": "how many CPU packages the machine has",
    "host_processor_core_count": "cores of one package",
    "host_processor_frequency": "base or highest clock",
    "host_processor_caches": "levels and sizes",
    "host_processor_interconnect": "what joins the packages, if there are several",
    "host_memory_capacity": "all of it, with its unit",
    "host_memory_configuration": "modules, such as 2 x 16 GiB DDR5 4800 MT/s",
    "host_storage_capacity": "disks with their sizes, such as 1 x 512 GB",
    "host_storage_type": "such as NVMe SSD",
    "host_networking": "such as Ethernet 1 Gb/s",
    "host_network_card_count": "how many cards",
    "host_networking_topology": "how machines are joined; N/A for one",
    "accelerators_per_node": "how many GPUs, if models ran on them",
    "accelerator_model_name": "the GPU, as its maker calls it",
    "accelerator_memory_capacity": "of one GPU, with its unit",
    "accelerator_host_interconnect": "what joins GPU and CPU, such as PCIe Gen4 x16",
    "accelerator_memory_configuration": "such as HBM3",
    "accelerator_interconnect": "what joins the GPUs, if there are several; else N/A",
    "cooling": "air, liquid or passive",
    "other_software_stack": "libraries and drivers beside the runtime, which is noted by itself",
    "hw_notes": "what else is to be known of the hardware",
    "sw_notes": "what else is to be known of the software",
    "system_type_detail": "such as laptop, board or cloud instance",
    "retraining": "were the models trained further: no, or how",
    "equivalence": "closed division: how the models are the reference model",
}
"""What is asked for, in a few words."""


@dataclass(frozen=True, slots=True)
class Row:
    """A field of the form.

    Attributes:
        name: as the file in ``systems/`` has it.
        words: what is asked for.
        value: in the form; what the user tells.
        detected: what stands there if the user tells nothing; empty for nothing.
        source: who tells that.
        required: whether it has to say something.
        choices: all values that it may have; empty for any text.
        taken: whether the value is from a file and not yet saved.
    """

    name: str
    words: str
    value: str
    detected: str
    source: str
    required: bool
    choices: tuple[str, ...] = ()
    taken: bool = False

    @property
    def state(self) -> str:
        """In a word: ``missing``, ``told``, ``detected`` or ``empty``."""
        if self.value:
            return "told"
        if self.detected:
            return "detected"
        return "missing" if self.required else "empty"


def rows(survey: Survey, values: Mapping[str, str], taken: Iterable[str] = ()) -> list[Row]:
    """All fields of the form: those that are missing first, then the required ones.

    Args:
        survey: of the study.
        values: what the form shows as told.
        taken: names of the fields whose values are from a file.
    """
    known, from_file = {each.name: each for each in survey.fields}, frozenset(taken)
    found = [
        Row(
            name=name,
            words=HELP[name],
            value=values.get(name, ""),
            detected=known[name].detected if name in known else "",
            source=known[name].detector.value if name in known else "",
            required=_required(name, known, survey.division),
            choices=CHOICES.get(name, ()),
            taken=name in from_file,
        )
        for name in FIELDS
    ]
    return sorted(found, key=lambda row: (row.state != "missing", not row.required))


def _required(name: str, known: Mapping[str, DescribedField], division: str) -> bool:
    """Whether a field has to be told or detected: of the software the runs tell themselves."""
    if name in known:
        return known[name].required and name not in OF_RUNS
    return name == "retraining" or division == CLOSED


def posted(form: Fields) -> dict[str, str]:
    """What the user tells, as it was sent: fields that say nothing are left out.

    Raises:
        RequestError: a field is unknown or wrong; names it.
    """
    values = {}
    for name in form.values:
        if name in (SEEN, DIVISION):
            continue
        if name not in FIELDS:
            raise RequestError("unknown field", field=name[:100], remedy=suggest(name, FIELDS))
        if value := form.one(name):
            values[name] = value
    for name, value in values.items():
        if not value.isprintable():
            problem = "expected one line of text that can be printed"
            raise RequestError(problem, field=name, remedy="type it anew")
    yaml_reader.check(values, SystemDescriptionForm)
    return values


def fingerprint(study: str) -> str:
    """Of what stands in the file now; empty where there is none.

    Raises:
        RequestError: it can't be read.
    """
    file = system_file(study)
    try:
        return hashlib.sha256(read_regular(file, yaml_reader.MAX_YAML_BYTES)).hexdigest()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise RequestError(f"can't be read: {error.strerror or error}", file=file) from error


def save(study: str, values: Mapping[str, str], seen: str) -> Path:
    """Writes what the user tells; a file that says nothing is removed.

    Args:
        study: its name.
        values: by field, checked.
        seen: the fingerprint of the file that the form has shown.

    Returns:
        The file.

    Raises:
        RequestError: the file has changed since.
        DseError: it can't be written.
    """
    file = system_file(study)
    if fingerprint(study) != seen:
        raise RequestError(
            "has changed since this form was shown",
            file=file,
            remedy="load the page again, and change it there",
        )
    if values:
        with atomic_write(file) as stream:
            stream.write(yaml_reader.dump(dict(values)).encode())
        return file
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise DseError(f"{file}: can't be removed: {error.strerror or error}") from error
    return file
