"""Files that are whole or not there, and locks."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from dse.core.errors import DseError, RequestError
from dse.core.paths import (
    atomic_write,
    cache_dir,
    check_named,
    config_dir,
    exclusive,
    mapped,
    read_regular,
    shorten_home,
    write_named,
)


def test_cache_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DSE_CACHE_DIR", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.setenv("DSE_CACHE_DIR", "~/x")
    assert cache_dir() == Path.home() / "x"
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("DSE_CACHE_DIR")
        else:
            monkeypatch.setenv("DSE_CACHE_DIR", unset)
        assert "mlperf-dse" in cache_dir().parts
        assert cache_dir().is_absolute()


def test_a_path_below_the_home_folder_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert shorten_home("/home/me/m.onnx") == "~/m.onnx"
    assert shorten_home("/home/men/m.onnx") == "/home/men/m.onnx"


def test_a_file_is_read_where_it_is_looked_at(tmp_path: Path) -> None:
    for content in (b"", b"abc"):
        (tmp_path / "f").write_bytes(content)
        with mapped(tmp_path / "f") as data:
            assert (len(data), data[1:3]) == (len(content), content[1:])
    with pytest.raises(FileNotFoundError), mapped(tmp_path / "none"):
        pass


def test_what_may_be_anybodys_is_read_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 2048)
    os.mkfifo(tmp_path / "pipe")
    assert read_regular(tmp_path / "file", 2048) == b"x" * 2048
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path, 2048)
    for name, words in (("pipe", "not a regular file"), ("file", "larger than 1 KiB")):
        with pytest.raises(OSError, match=words):
            read_regular(tmp_path / name, 1024)


def test_write_appears_at_the_end_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    with atomic_write(path) as file:
        file.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    with pytest.raises(TypeError), atomic_write(path) as file:
        file.writelines([b"two", "no bytes"])  # type: ignore[list-item]
    assert path.read_bytes() == b"one"
    assert list(path.parent.iterdir()) == [path]


def test_a_named_file_keeps_its_mode_and_the_links_to_it(tmp_path: Path) -> None:
    file, link, further = (tmp_path / name for name in ("private", "link", "further"))
    file.write_text("old")
    file.chmod(0o600)
    link.symlink_to("private")
    further.symlink_to(link)
    for place in (file, link, further):
        with write_named(place) as stream:
            assert os.fstat(stream.fileno()).st_mode & 0o777 == 0o600
            stream.write(place.name.encode())
        assert (file.read_text(), file.stat().st_mode & 0o777) == (place.name, 0o600)
    assert (link.is_symlink(), further.is_symlink()) == (True, True)
    (tmp_path / "early").symlink_to("late")
    for name in ("early", "a/new"):
        with write_named(tmp_path / name) as stream:
            stream.write(b"x")
    assert (tmp_path / "late").read_text() == (tmp_path / "a" / "new").read_text() == "x"
    with pytest.raises(TypeError), write_named(link) as stream:
        stream.writelines([b"two", "no bytes"])  # type: ignore[list-item]
    assert file.read_text() == "further"
    assert {each.name for each in tmp_path.iterdir()} == {
        *("private", "link", "further", "early", "late", "a")
    }


def test_what_is_named_and_no_file_is_left_alone(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to("pipe")
    for place in (pipe, tmp_path / "link"):
        with pytest.raises(RequestError, match="is no regular file; choose another place"):
            check_named(place)
        with pytest.raises(RequestError, match="is no regular file"), write_named(place):
            pass
    assert pipe.is_fifo()
    for folder in (tmp_path, Path()):
        with pytest.raises(RequestError, match="is a folder"), write_named(folder):
            pass
    (tmp_path / "turn").symlink_to("turn")
    with pytest.raises(DseError, match="can't be written: Too many levels"):
        check_named(tmp_path / "turn")


def test_unwritable_folders_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = r"file/x: can't be written: File exists; "
    for place, remedy in (
        (tmp_path, "choose a place that you can write"),
        (cache_dir(), "set DSE_CACHE_DIR to a folder that you can write"),
    ):
        place.mkdir(exist_ok=True)
        (place / "file").write_text("")
        with pytest.raises(DseError, match=told + remedy), atomic_write(place / "file" / "x"):
            pass
        with pytest.raises(DseError, match=told + remedy), exclusive(place / "file" / "x"):
            pass


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_without_a_home_folder_the_cache_has_to_be_named(
    home: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nameless(number: int) -> NoReturn:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    for variable in ("DSE_CACHE_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    with pytest.raises(RequestError, match=r"HOME is not .*; set DSE_CACHE_DIR to a folder"):
        cache_dir()
    assert config_dir() is None
    monkeypatch.setenv("DSE_CACHE_DIR", "~nobody-here/x" if home == "" else "~/x")
    with pytest.raises(RequestError, match=r"DSE_CACHE_DIR: '~.*/x' can't be found, as HOME"):
        cache_dir()
    monkeypatch.setenv("DSE_CACHE_DIR", str(tmp_path))
    assert cache_dir() == tmp_path


def test_lock_is_waited_for_and_freed_by_a_kill(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    code = (
        "import sys\nfrom pathlib import Path\nfrom dse.core.paths import exclusive\n"
        "with exclusive(Path(sys.argv[1])) as held:\n    print(held, flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        waiting = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
        holder.kill()
        assert waiting.communicate(b"\n", timeout=60)[0] == b"True\n"


def test_a_lock_that_is_a_pipe_or_a_link_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("pipe", "link"):
        with pytest.raises(DseError, match="can't be written"), exclusive(tmp_path / name):
            pass
    assert not (tmp_path / "elsewhere").exists()
