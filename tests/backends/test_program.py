"""A native program that ends with the process that waits for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dse.core.launcher import launch_command

START = """
import subprocess, sys
import pytest

from dse.core.launcher import launch_command
script = "import time; print('begun', flush=True); time.sleep(20); print('lives on')"
words = [sys.executable, "-c", script]
subprocess.run(launch_command(sys.executable, "dse.backends._program", *words, bound=True))
"""


def test_the_program_has_the_arguments_and_the_exit_code() -> None:
    words = ["/bin/sh", "-c", 'echo "$0 $1"; exit 7', "one", "two words"]
    command = launch_command(sys.executable, "dse.backends._program", *words, bound=True)
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "one two words\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process ends with its parent")
def test_it_is_killed_with_the_process_that_started_it() -> None:
    starter = subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    assert starter.stdout.readline() == "begun\n"
    starter.kill()
    starter.wait()
    # The program has the other end of the pipe, which closes as soon as that is gone, too.
    assert starter.stdout.read() == ""
    starter.stdout.close()
