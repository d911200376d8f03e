"""The files that ``dse models fetch`` has put into a folder, described in its ``models.yaml``.

Entries are only added, at the end and as text, so existing text stays as it is. A file is written
before its entry: if the process is killed in between, the next fetch adds the entry.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import yaml

from dse.config import yaml_reader
from dse.config.yaml_reader import Document
from dse.core.checksums import sha256_of
from dse.core.paths import atomic_write
from dse.models.manifest import FILE_NAME, manifest_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.models.manifest import ArchiveEntry, ManifestEntry

LOCK = ".fetch.lock"
"""The file by which a folder is locked while something is fetched into it."""
MANIFEST_HEAD = """\
# Written by dse models fetch, and read by dse explore --models. Other entries may be added.
models:
"""


class FetchedFolder:
    """The fetched files of a folder.

    Args:
        folder: the folder; it need not exist yet.
        kind: the entries of the task that the models are for.
    """

    def __init__(self, folder: Path, kind: type[ManifestEntry]) -> None:
        self.folder = folder
        self._form = manifest_of(kind)
        self.manifest = folder / FILE_NAME
        self._entries: tuple[ManifestEntry, ...] = ()
        self._document = Document()
        self._state: tuple[int, ...] = ()
        self._extensible = False

    def entries(self) -> tuple[ManifestEntry, ...]:
        """The manifest's entries; their files may be damaged or missing.

        Raises:
            RequestError: the manifest is wrong.
        """
        state = self._stat_manifest()
        if state != self._state:
            self._entries, self._document = (), Document()
            if state:
                form, self._document = yaml_reader.read_document(self.manifest, self._form)
                self._entries = form.models
            self._state, self._extensible = state, False
        return self._entries

    def find(
        self, model: str, precision: str, model_format: ModelFormat = "tflite"
    ) -> ManifestEntry | None:
        """The entry of a fetched file; None if there is none.

        Raises:
            RequestError: the manifest is wrong, or describes another file for it.
        """
        for index, entry in enumerate(self.entries()):
            if (entry.name, entry.precision, entry.format) != (model, precision, model_format):
                continue
            own = entry.archive is None or entry.sha256 is None
            if own or entry.file != file_name(model, precision, model_format):
                raise self._document.error(
                    f"another {precision} file of '{model}' is described here",
                    "models",
                    index,
                    remedy="fetch into another folder",
                )
            return entry
        return None

    def is_intact(self, entry: ManifestEntry) -> bool:
        """Whether a fetched file exists and is unchanged."""
        path = self.folder / entry.file
        try:
            regular = path.is_file() and not path.is_symlink()
            return regular and sha256_of(path) == (entry.sha256 or "").lower()
        except OSError:
            return False

    def archive(self, url: str) -> ArchiveEntry | None:
        """The archive of an address as it was when first fetched; None if it never was.

        Raises:
            RequestError: the manifest is wrong.
        """
        known = (entry.archive for entry in self.entries())
        return next((one for one in known if one is not None and one.url == url), None)

    def add(self, entries: Sequence[dict[str, Any]]) -> None:
        """Adds entries to the manifest in one step.

        Raises:
            RequestError: the manifest is written in a form to which no text can be appended.
            DseError: the folder can't be written to.
        """
        if not entries:
            return
        known = self.entries()
        text = self.manifest.read_text(encoding="utf-8-sig") if known else MANIFEST_HEAD
        new = _append(text, entries)
        if not (self._extensible or _ends_with(new, len(known), entries)):
            raise self._document.error(
                "nothing can be added to a list that is written like this",
                "models",
                remedy="write it with a line '- name: ...' per model, or fetch into another folder",
            )
        with atomic_write(self.manifest) as file:
            file.write(new.encode())
        # The manifest is not read again for each of 76 archives: that would take ever longer.
        self._entries = (
            *known,
            *yaml_reader.check({"models": list(entries)}, self._form).models,
        )
        self._state, self._extensible = self._stat_manifest(), True

    def _stat_manifest(self) -> tuple[int, ...]:
        """A value that changes with the manifest; empty if there is none."""
        try:
            found = os.stat(self.manifest)  # noqa: PTH116  # a dangling link is none, too
        except FileNotFoundError:
            return ()
        return found.st_ino, found.st_size, found.st_mtime_ns


def file_name(model: str, precision: str, model_format: ModelFormat = "tflite") -> str:
    """Name of a fetched file in its folder."""
    return f"{model}-{precision}.{model_format}"


def _append(text: str, entries: Sequence[dict[str, Any]]) -> str:
    """The manifest with further entries, indented like the existing ones."""
    found = re.search(r"^( *)- ", text, re.MULTILINE)
    indent = found[1] if found else "  "
    lines = yaml_reader.dump(list(entries)).splitlines()
    newline = "" if text.endswith("\n") else "\n"
    return text + newline + "".join(f"{indent}{line}\n" for line in lines)


def _ends_with(text: str, count: int, entries: Sequence[dict[str, Any]]) -> bool:
    """Whether a text is a manifest of ``count`` entries followed by these."""
    try:
        models = yaml.safe_load(text)["models"]
    except yaml.YAMLError:
        return False
    return len(models) == count + len(entries) and [m["file"] for m in models[count:]] == [
        entry["file"] for entry in entries
    ]
