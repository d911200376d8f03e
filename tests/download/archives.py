"""Archives as a server may send them: sound ones, and others."""

from __future__ import annotations

import gzip
import io
import tarfile


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """A member's header."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def tar(*members: tuple[str | tarfile.TarInfo, bytes]) -> bytes:
    """A tar file; a header of its own may be given in the place of a name."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for head, data in members:
            made = entry(head) if isinstance(head, str) else head
            made.size = len(data)
            archive.addfile(made, io.BytesIO(data))
    return stream.getvalue()


def tgz(*members: tuple[str | tarfile.TarInfo, bytes]) -> bytes:
    """The same, compressed; the same members give the same bytes."""
    return gzip.compress(tar(*members), mtime=0)
