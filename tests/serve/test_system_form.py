"""The description of a system in the browser: told, detected, missing; and mlperf-sysinfo."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dse.core.errors import DseError, RequestError
from dse.machine.system import UNKNOWN
from dse.serve.posted import MAX_FORM_BYTES, Fields
from dse.serve.submitting import _system_form as system_form
from dse.serve.submitting._survey import system_file
from dse.serve.submitting._sysinfo import MAX_BYTES, read_sysinfo
from dse.submission.description import (
    Declared,
    Origin,
    SystemDescriptionForm,
    described_fields,
    read_declared,
)
from tests.commandline import command, here, tmp_path
from tests.serve.submitting_site import Browser
from tests.submission.conftest import copied, data, kept
from tests.submission.evidence import ELSEWHERE, TOLD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.serve.submitting_site import Page
    from tests.submission.copies import Copy

__all__ = ["command", "copied", "data", "here", "kept", "tmp_path"]

PAGE = "full/submit/system"
SAID: dict[str, str] = {name: str(value) for name, value in yaml.safe_load(TOLD).items()}
DESCRIBED: dict[str, Any] = {
    # As the profile `inference` of mlperf-sysinfo 0.1 writes it.
    "submitter": "MyOrg",
    "submitter_contact": "someone@example.org",
    "system_name": "Board",
    "status": "Available",
    "system_type": "edge",
    "division": "open",
    "system_size": "1x Example CPU 9000",
    "number_of_nodes": 1,
    "host_processor_model_name": "Example(R) CPU 9000 @ 3.70GHz",
    "host_processors_per_node": 1,
    "host_processor_core_count": 2,
    "host_processor_vcpu_count": 4,
    "host_processor_frequency": "3.70 GHz",
    "host_processor_caches": "L3: 16 MiB (1 instances)",
    "host_processor_interconnect": "N/A",
    "host_memory_capacity": "31.3Gi",
    "host_storage_type": "NVMe SSD",
    "host_storage_capacity": "512 GB NVMe SSD",
    "host_memory_configuration": "Not detected: dmidecode needs root",
    "host_networking": "eth0: Ethernet",
    "host_networking_topology": "",
    "host_network_card_count": "1x Ethernet",
    "accelerator_model_name": "",
    "accelerators_per_node": 0,
    "framework": "",
    "operating_system": "some linux 1",
    "other_software_stack": "glibc 2.39",
    "hw_notes": "Insert hardware notes here",
    "sw_notes": "sw note",
    "cooling": "air",
    "system_type_detail": "",
    "mlperf_sysinfo": {
        "version": "0.1.0",
        "profile": "inference",
        "profile_round": "6.0",
        "shape": "flat",
        "captured_at": "2026-08-10T14:01:20+00:00",
        "nodes_expected": 1,
        "nodes_collected": 1,
        "complete": True,
        "mlc_scripts": {"package_version": "1.2.0a2"},
    },
}
STAMP: dict[str, Any] = DESCRIBED["mlperf_sysinfo"]


def described(**changes: Any) -> bytes:
    return json.dumps({**DESCRIBED, **changes}).encode()


@pytest.fixture
def browser(copied: Callable[[str], Copy]) -> Browser:
    """Pages on the study ``full``, whose system is not this one."""
    copied("full")
    return Browser()


def sent(page: Page, **changes: str) -> dict[str, str]:
    """The fields of the form as they are shown, with some changes."""
    fields = {name: values[-1] for name, values in page.values.items() if name != "file"}
    return {**fields, **changes}


def test_every_field_of_the_file_has_a_line_of_help() -> None:
    assert set(system_form.HELP) == set(SystemDescriptionForm.model_fields)


def test_what_nobody_tells_is_missing_and_comes_first(browser: Browser) -> None:
    page = browser.get(PAGE)
    assert "1 of 1 point is valid; 11 fields of the system are missing; no tree" in page.text
    assert not system_file("full").exists()  # looking writes nothing
    names = [name for name in page.values if name in system_form.FIELDS]
    assert not any(page.values[name] != [""] for name in names)  # no silent default
    missing = {"system_name", "cooling", "retraining", "host_memory_configuration"}
    assert missing <= {*names[:10]}
    assert "Example CPU 9000 the study" in page.text
    assert "N/A taken for granted of one machine without accelerators" in page.text
    assert "framework the runs" in page.text
    assert "equivalence" not in page.text.partition("What you tell")[0]
    closed = browser.get(PAGE, division="closed")
    assert "12 fields of the system are missing" in closed.text


def test_what_is_told_is_saved_as_the_command_line_reads_it(browser: Browser) -> None:
    answer = browser.post(PAGE, **sent(browser.get(PAGE), **SAID))
    assert answer.location == "/studies/full/submit/system"
    file = system_file("full")
    assert read_declared(file).values == SAID
    assert set(yaml.safe_load(file.read_text())) == set(SAID)  # nothing that nobody told
    page = browser.get(PAGE)
    assert "the system is described" in page.text
    assert {name: page.values[name] for name in SAID if name != "status"} == {
        name: [value] for name, value in SAID.items() if name != "status"
    }
    assert page.values["status"] == ["available"]
    told = browser.post(PAGE, **sent(page, hw_notes="in a car", cooling=""))
    assert told.location
    again = read_declared(file).values
    assert again["hw_notes"] == "in a car"
    assert "cooling" not in again
    browser.post(PAGE, seen=browser.get(PAGE).values["seen"][0])
    assert not file.exists()


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object:os.system x",
        "a: b: c\\n- d # e",
        "'\"{[&*|>%@`",
        "no",
        "1e3",
        "~",
        "<script>alert(1)</script>",
        "\N{SNOWMAN} \N{GREEK SMALL LETTER MU}s",
    ],
)
def test_any_text_is_told_as_it_is(browser: Browser, text: str) -> None:
    browser.post(PAGE, **sent(browser.get(PAGE), cooling=text))
    assert read_declared(system_file("full")).values == {"cooling": text}
    page = browser.get(PAGE)
    assert page.values["cooling"] == [text]
    assert "script" not in page.tags


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("status", "sold", "status: expected 'available', 'preview' or 'rdi'"),
        ("cooling", "x" * 501, "cooling: expected text of at most 500 characters"),
        ("cooling", "a\nstatus: rdi", "cooling: expected one line of text"),
        ("cooling", "a\x1b[2J", "cooling: expected one line of text"),
        ("cooling", "a\u202eb", "cooling: expected one line of text"),
        ("coling", "air", "coling: unknown field; did you mean 'cooling'?"),
        ("framework", "TensorRT", "framework: unknown field"),
        ("<b>", "air", "<b>: unknown field"),
        ("division", "<b>", "division: '<b>' is none of open, closed"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(
    browser: Browser, field: str, value: str, words: str
) -> None:
    form = sent(browser.get(PAGE), system_name="Mine")
    page = browser.post(PAGE, 422, **{**form, field: value})
    assert words in page.text
    assert page.values["system_name"] == ["Mine"]  # what was typed is kept
    assert "b" not in page.tags
    assert not system_file("full").exists()


def test_a_file_that_is_wrong_is_told_with_its_line_and_kept(browser: Browser) -> None:
    form = sent(browser.get(PAGE))
    file = system_file("full")
    file.write_text("cooling: air\ncolour: red\n")
    page = browser.get(PAGE, 422)
    words = f"{file}:2: colour: unknown field"
    assert words in page.text
    assert "the description of the system can't be read" in page.text
    assert words in browser.post(PAGE, 422, **{**form, "cooling": "liquid"}).text
    assert file.read_text() == "cooling: air\ncolour: red\n"
    file.unlink()
    file.mkdir()
    assert "is a folder" in browser.get(PAGE, 422).text


def test_a_file_that_changes_meanwhile_is_not_written_over(browser: Browser) -> None:
    page = browser.get(PAGE)
    file = system_file("full")
    file.write_text("cooling: water\n")
    answer = browser.post(PAGE, 422, **sent(page, cooling="air"))
    assert f"{file}: has changed since this form was shown" in answer.text
    assert file.read_text() == "cooling: water\n"


def test_what_was_typed_is_kept_where_nothing_can_be_written(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise DseError("system.yaml: can't be written: No space left on device; make room there")

    monkeypatch.setattr(system_form, "atomic_write", refuse)
    page = browser.post(PAGE, 500, **sent(browser.get(PAGE), system_name="Mine"))
    assert "No space left on device; make room there" in page.text
    assert page.values["system_name"] == ["Mine"]


def test_a_form_that_is_too_large_or_none_is_refused(browser: Browser) -> None:
    large = browser.post(PAGE, 400, cooling="x" * MAX_FORM_BYTES)
    assert "more than 64 KiB were sent" in large.text
    many: dict[str, str | list[str]] = {"point": ["1"] * 1001}
    assert "more than 1,000 fields were sent" in browser.post(PAGE, 400, **many).text
    response = browser.client.post(f"/studies/{PAGE}", content=b"\xff=\xfe")
    assert response.status_code == 400


def test_a_read_only_page_offers_nothing_to_save(copied: Callable[[str], Copy]) -> None:
    copied("full")
    page = Browser(read_only=True).get(PAGE)
    assert "button" not in page.tags
    assert "file" not in page.values


def test_no_study_has_no_form(browser: Browser) -> None:
    for name in ("none", "..%2f..", "%2e%2e", "a%0ab"):
        assert browser.client.get(f"/studies/{name}/submit/system").status_code == 404
    browser.post("none/submit/system", 404, cooling="air")


# Files of mlperf-sysinfo.


def fields_of(told: Declared | None = None) -> list[Any]:
    return described_fields(ELSEWHERE, told or Declared(), "ORG", "edge")


def test_a_file_fills_what_is_missing() -> None:
    taken = read_sysinfo(described(), ELSEWHERE, fields_of(), ())
    assert taken.contradictions == ()
    assert taken.values == {
        "status": "available",
        "system_name": "Board",
        "host_processors_per_node": "1",
        "host_processor_core_count": "2",
        "host_processor_caches": "L3: 16 MiB (1 instances)",
        "host_storage_capacity": "512 GB NVMe SSD",
        "host_storage_type": "NVMe SSD",
        "host_networking": "eth0: Ethernet",
        "host_network_card_count": "1x Ethernet",
        "cooling": "air",
        "other_software_stack": "glibc 2.39",
        "sw_notes": "sw note",
    }
    left_out = dict(taken.left_out)
    known = {"host_processor_model_name", "host_memory_capacity", "operating_system"}
    assert set(left_out) == {*known, "host_processor_frequency"}
    assert left_out["host_memory_capacity"] == "the study says '32 GiB', the file '31.3Gi'"


def test_what_the_user_tells_is_kept() -> None:
    told = Declared({"cooling": "liquid", "status": "available"})
    taken = read_sysinfo(described(), ELSEWHERE, fields_of(told), told.values)
    assert "cooling" not in taken.values
    assert dict(taken.left_out)["cooling"] == "you tell it yourself"


def test_fields_that_mean_something_else_are_left_out() -> None:
    content = described(host_processors_per_node=2, host_processor_core_count=4, status="sold")
    taken = read_sysinfo(content, ELSEWHERE, fields_of(), ())
    assert "host_processor_core_count" not in taken.values
    assert "cores of all processors" in dict(taken.left_out)["host_processor_core_count"]
    assert "'sold' is none of" in dict(taken.left_out)["status"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"host_processor_model_name": "AMD EPYC 9654"},
            ["host_processor_model_name: the file has 'AMD EPYC 9654', the study was measured on"],
        ),
        (
            {"host_memory_capacity": "1.5 TB", "number_of_nodes": 2},
            ["host_memory_capacity: the file has '1.5 TB'", "number_of_nodes: the file has '2'"],
        ),
        ({"host_memory_capacity": "16G"}, ["measured with 32 GiB"]),
    ],
)
def test_a_file_of_another_system_is_refused(changes: dict[str, Any], words: list[str]) -> None:
    taken = read_sysinfo(described(**changes), ELSEWHERE, fields_of(), ())
    assert taken.values == {}
    assert len(taken.contradictions) == len(words)
    for line, start in zip(taken.contradictions, words, strict=True):
        assert start in line


@pytest.mark.parametrize("memory", ["31Gi", "31.3 GiB", "33.6 GB", "32G", "32", "lots", "N/A"])
def test_memory_is_that_of_the_study_in_any_unit(memory: str) -> None:
    content = described(host_memory_capacity=memory)
    assert read_sysinfo(content, ELSEWHERE, fields_of(), ()).contradictions == ()


def test_what_the_study_does_not_know_contradicts_nothing() -> None:
    hidden = replace(ELSEWHERE, cpu=UNKNOWN, memory_bytes=None)
    fields = described_fields(hidden, Declared(), "ORG", "edge")
    content = described(host_memory_capacity="1 TB")
    taken = read_sysinfo(content, hidden, fields, ())
    assert taken.contradictions == ()
    assert taken.values["host_memory_capacity"] == "1 TB"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "file: is not JSON"),
        (b"{", "file: is not JSON"),
        (b"\xff\xfe", "file: is not JSON"),
        (b"[" * 100_000, "file: is not JSON"),
        (b'{"a": NaN}', "file: is not JSON"),
        (b"[]", "file: is not from mlperf-sysinfo"),
        (b"{}", "file: is not from mlperf-sysinfo"),
        (described(mlperf_sysinfo=None), "mlperf_sysinfo: expected fields"),
        (described(mlperf_sysinfo={**STAMP, "complete": False}), "partial capture"),
        (
            described(mlperf_sysinfo={**STAMP, "profile": "endpoints", "shape": "nested"}),
            "let mlperf-sysinfo write one with `profile: inference`",
        ),
        (described(cooling="x" * 501), "cooling: expected text of at most 500 characters"),
        (described(cooling=["air"]), "cooling: expected text"),
        (described(cooling=True), "cooling: expected text"),
    ],
)
def test_what_is_no_such_file_is_one_line(content: bytes, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_sysinfo(content, ELSEWHERE, fields_of(), ())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_uploaded_file_is_shown_and_saved_only_then(browser: Browser) -> None:
    page = browser.upload(f"{PAGE}/file", described(system_name="<b>Board</b>"))
    assert "12 fields are taken from the file" in page.text
    assert page.values["system_name"] == ["<b>Board</b>"]
    assert "b" not in page.tags
    assert "from the file, not saved" in page.text
    assert not system_file("full").exists()
    browser.post(PAGE, **sent(page))
    told = read_declared(system_file("full")).values
    assert told["system_name"] == "<b>Board</b>"
    assert len(told) == 12
    assert "2 fields of the system are missing" in browser.get(PAGE).text


def test_an_uploaded_file_of_another_system_is_refused(browser: Browser) -> None:
    page = browser.upload(f"{PAGE}/file", described(host_memory_capacity="1 TB"), 422)
    assert "the file is of another system than the study; nothing is taken from it" in page.text
    assert "host_memory_capacity: the file has '1 TB'" in page.text
    assert page.values["cooling"] == [""]


def test_uploads_have_a_bound(browser: Browser) -> None:
    place = f"{PAGE}/file"
    page = browser.upload(place, described(sw_notes="x", filler="y" * MAX_BYTES), 422)
    assert "more than 256 KiB were sent" in page.text
    assert "more than 256 KiB" in browser.upload(place, b"x" * (4 * MAX_BYTES), 422).text
    assert "no file was sent" in browser.upload(place, b"", 422).text
    assert "no file was sent" in browser.post(place, 422, file="text").text
    fitting = described(filler="y" * (MAX_BYTES - len(described(filler=""))))
    assert len(fitting) == MAX_BYTES
    assert "are taken from the file" in browser.upload(place, fitting).text


def test_who_tells_a_field() -> None:
    told = Declared({"cooling": "air", "host_memory_capacity": "1 GiB", "retraining": "no"})
    found = {each.name: each for each in fields_of(told)}
    assert found["cooling"].origin is Origin.TOLD
    memory = found["host_memory_capacity"]
    assert (memory.value, memory.origin) == ("1 GiB", Origin.TOLD)
    assert (memory.detected, memory.detector) == ("32 GiB", Origin.STUDY)
    assert found["framework"].origin is Origin.RUNS
    assert not found["framework"].missing
    assert found["status"].missing
    assert found["division"].origin is Origin.EXPORT
    assert found["accelerators_per_node"].origin is Origin.ASSUMED
    assert not found["sw_notes"].missing  # it may be empty


def test_the_last_value_of_a_field_counts() -> None:
    fields = Fields.of([("a", "1"), ("a", " 2 "), ("b", "")])
    assert (fields.one("a"), fields.all("a"), fields.has("b")) == ("2", ("1", " 2 "), False)
    assert fields.one("b", "x") == "x"
