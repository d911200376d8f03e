"""Commands of a user without a home folder, without a name, or without threads."""

from __future__ import annotations

import pwd
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from dse.core.thread_limit import REMEDY
from tests.other_users import OTHER, give_away, run_unprivileged
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from tests.commandline import Command


@pytest.mark.parametrize("home", [None, "relative"])
def test_without_a_home_folder_commands_work_or_name_what_to_set(
    home: str | None, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless(number: int) -> NoReturn:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    for variable in ("DSE_CONFIG", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    assert command.good("system", "--json").err == ""
    monkeypatch.delenv("DSE_CACHE_DIR")
    answer = command("backends")
    assert answer.code == 2
    assert answer.err == (
        "dse: there is no place for the cache, as HOME is not the path of a folder; "
        "set DSE_CACHE_DIR to a folder that can be written\n"
    )
    assert list(Path().iterdir()) == []  # nothing was made at a relative path


def test_the_settings_in_another_user_s_home_folder_are_not_this_user_s(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    (folder / ".config" / "mlperf-dse").mkdir(parents=True)
    (folder / ".config" / "mlperf-dse" / "config.yaml").write_text("cpu_name: another\n")
    give_away(folder, 0o700)
    free = {"DSE_CONFIG": None, "XDG_CONFIG_HOME": None, "DSE_CACHE_DIR": None}
    told = run_unprivileged("-m", "dse", "system", HOME=str(folder), **free)
    assert (told.returncode, told.stderr) == (0, "next: dse system --check\n")
    assert "another" not in told.stdout


def test_whose_a_folder_is_that_hides_what_is_in_it(tmp_path: Path) -> None:
    folder = give_away(tmp_path, 0o700)
    told = run_unprivileged("-m", "dse", "import", str(folder / "x.csv"), DSE_CACHE_DIR=str(folder))
    assert told.returncode == 1
    assert told.stderr == (
        f"dse: {folder}/x.csv: Permission denied, as {folder} belongs to user {OTHER}; "
        "set DSE_CACHE_DIR to a folder that you can write\n"
    )


def test_a_command_without_threads_ends_in_one_line(
    here: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    write_table(here)
    write_space(here)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    answer = command("explore", "space.yaml", "--study", "s")
    assert answer.code == 1
    assert answer.last == f"dse: thread limit: can't start new thread; {REMEDY}"
    assert "Traceback" not in answer.err
