"""The command line in a folder of its own."""

from tests.commandline import command, here, tmp_path

__all__ = ["command", "here", "tmp_path"]
