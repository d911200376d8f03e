"""What describes a system: the study, this machine if it is the same, and the user's word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml

from dse.core.errors import RequestError
from dse.machine.detect import detect
from dse.machine.system import UNKNOWN
from dse.submission._hardware import hardware
from dse.submission.description import MEANINGFUL, OPTIONAL, Declared, described, read_declared
from tests.submission.evidence import ELSEWHERE, TOLD

if TYPE_CHECKING:
    from pathlib import Path


def told(folder: Path, text: str, **flags: str | None) -> Declared:
    file = folder / "system.yaml"
    file.write_text(text)
    return read_declared(file, **flags)


def test_the_file_and_the_flags_that_win(tmp_path: Path) -> None:
    found = told(tmp_path, TOLD, system_name="Another Board", status=None)
    assert found.file == tmp_path / "system.yaml"
    said = {name: str(value) for name, value in yaml.safe_load(TOLD).items()}
    assert found.values == {**said, "system_name": "Another Board"}
    assert read_declared(None, status="rdi") == Declared({"status": "rdi"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cooling: air\ncolour: red\n", "system.yaml:2: colour: "),
        ("status: available\ncoling: air\n", "'cooling'"),
        ("status: sold\n", "system.yaml:1: status: "),
        ("\ncooling: [air]\n", "system.yaml:2: cooling: "),
        ("cooling: ' '\n", "system.yaml:1: cooling: "),
        ("host_network_card_count: 1.5\n", "system.yaml:1: host_network_card_count: "),
        ("host_network_card_count: true\n", "system.yaml:1: host_network_card_count: "),
        ("retraining: no\nretraining: no\n", "system.yaml:2: retraining: given twice"),
        (f"hw_notes: {'x' * 501}\n", "system.yaml:1: hw_notes: "),
        ("cooling: !!python/object:os.system x\n", "system.yaml:1: "),
        # Not the user's to say: an open division, an organisation, a runtime.
        ("framework: TensorRT\n", "system.yaml:1: framework: "),
        ("division: closed\n", "system.yaml:1: division: "),
        ("- status\n", "system.yaml:1: expected fields"),
        ("", "system.yaml: the file is empty"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        told(tmp_path, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_flag_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"^system_name: "):
        read_declared(None, system_name=" ")
    with pytest.raises(RequestError, match=r"none\.yaml: no such file"):
        read_declared(tmp_path / "none.yaml")


def test_a_system_that_is_told(tmp_path: Path) -> None:
    found, missing = described(ELSEWHERE, told(tmp_path, TOLD), "Org", "edge")
    assert missing == []
    assert list(found) == [*MEANINGFUL, *OPTIONAL]
    assert all(isinstance(value, str) for value in found.values())
    assert {name: found[name] for name in (*MEANINGFUL, *OPTIONAL) if found[name]} == {
        "division": "open",
        "submitter": "Org",
        "system_type": "edge",
        "status": "available",
        "system_name": "Test Board 1",
        "number_of_nodes": "1",
        "host_processor_model_name": "Example CPU 9000",
        "host_processors_per_node": "1",
        "host_processor_core_count": "2",
        "host_processor_frequency": "3700 MHz",
        "host_memory_capacity": "32 GiB",
        "host_memory_configuration": "2 x 16 GiB DDR5 4800 MT/s",
        "host_storage_capacity": "1 x 512 GB",
        "host_storage_type": "NVMe SSD",
        "host_networking": "Ethernet 1 Gb/s",
        "host_network_card_count": "1",
        "host_networking_topology": "N/A",
        "accelerators_per_node": "0",
        "accelerator_model_name": "N/A",
        "accelerator_memory_capacity": "N/A",
        "accelerator_host_interconnect": "N/A",
        "accelerator_memory_configuration": "N/A",
        "accelerator_interconnect": "N/A",
        "cooling": "air",
        "operating_system": "Some Linux 1, kernel 6.1.0",
    }


def test_another_machine_takes_no_hardware_from_here() -> None:
    found, missing = described(ELSEWHERE, Declared(), "Org", "edge")
    assert missing == [
        *("status", "system_name", "host_processors_per_node", "host_processor_core_count"),
        *("host_memory_configuration", "host_storage_capacity", "host_storage_type"),
        *("host_networking", "host_network_card_count", "cooling"),
    ]
    assert not any(found[name] for name in missing)


def test_this_machine_tells_what_it_has() -> None:
    here = hardware()
    found, missing = described(detect(), Declared(), "Org", "datacenter")
    assert {name: found[name] for name in here} == here
    assert set(missing).isdisjoint(here)
    assert {"status", "cooling"} <= set(missing)  # which no machine tells
    said = Declared({"host_storage_type": "tape", "hw_notes": "in a car"})
    found, _ = described(detect(), said, "Org", "edge")
    assert (found["host_storage_type"], found["hw_notes"]) == ("tape", "in a car")


def test_what_the_study_does_not_know_is_missing() -> None:
    hidden = replace(ELSEWHERE, cpu=UNKNOWN, memory_bytes=None, max_mhz=(), kernel=UNKNOWN)
    found, missing = described(hidden, Declared(), "Org", "edge")
    assert {"host_processor_model_name", "host_memory_capacity", "operating_system"} < set(missing)
    assert found["host_processor_frequency"] == ""
    shared, _ = described(replace(ELSEWHERE, virtualised=True), Declared(), "Org", "edge")
    assert shared["hw_notes"] == "virtual machine"
