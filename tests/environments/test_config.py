"""The user's own file: what it may say, and how it is told what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from dse.core.errors import RequestError
from dse.environments.config import NamedInterpreter, config_file, interpreters, with_given_name
from dse.machine.detect import detect


def test_without_a_file_nothing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    file = config_file()
    assert file is not None
    assert file.name == "config.yaml"
    assert tmp_path in file.parents
    assert interpreters() == {}
    file.parent.mkdir(parents=True)
    file.write_text("interpreters: {litert: /opt/python}\n")
    assert interpreters() == {"litert": NamedInterpreter(Path("/opt/python"), 1)}


def test_interpreters_by_backend(settings: Path) -> None:
    settings.write_text("interpreters:\n  deepsparse: /opt/ds/bin/python\n  litert: ~/python\n")
    assert interpreters() == {
        "deepsparse": NamedInterpreter(Path("/opt/ds/bin/python"), 2),
        "litert": NamedInterpreter(Path.home() / "python", 3),
    }
    settings.write_text("interpreters: {}\n")
    assert interpreters() == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("interpreters:\n  litrt: /p\n", ":2: interpreters.litrt: unknown backend; did you mean"),
        ("interpreters:\n\n  'null': /p\n", ":3: interpreters.null: this backend has no runtime"),
        ("interpreters: {litert: bin/python}\n", ":1: interpreters.litert: expected the absolute"),
        ("interpreters: {litert: 3}\n", ":1: interpreters.litert: expected text, not 3"),
        ("interpreters: [litert]\n", ":1: interpreters: expected"),
        ("interpreter: {}\n", ":1: interpreter: unknown field; did you mean 'interpreters'?"),
        ("cpu_name: [a]\n", ":1: cpu_name: expected text, not a list"),
        (f"cpu_name: {'x' * 61}\n", ":1: cpu_name: expected text of at most 60 characters"),
        ('cpu_name: "a\\eb"\n', ":1: cpu_name: expected printable text in one line"),
        ("interpreters: !!python/name:os.system x\n", ":1: not valid YAML: the tag"),
        ("", ": the file is empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(settings: Path, text: str, told: str) -> None:
    settings.write_text(text)
    with pytest.raises(RequestError) as caught:
        interpreters()
    assert str(caught.value).startswith(f"{settings}{told}")


def test_the_users_name_for_the_cpu(settings: Path) -> None:
    settings.write_text("cpu_name: ' the small instance '\n")
    here = detect()
    assert with_given_name(here).given_name == "the small instance"
    assert with_given_name(here).fingerprint == here.fingerprint
    settings.write_text("interpreters: {}\n")
    assert with_given_name(here) == here


def test_a_file_that_was_named_must_be_there(settings: Path) -> None:
    with pytest.raises(RequestError, match=f"^{settings}: no such file$"):
        interpreters()
