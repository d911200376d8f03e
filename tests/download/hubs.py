"""A stand-in of the Hugging Face hub on this machine: what its client asks for, and no more."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from tests.download.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

MAIN = "main"


@dataclass
class Hub:
    """What a hub holds.

    Attributes:
        commits: by repository, by commit: content by path.
        refs: by repository, by name of a branch or tag: the commit.
        sizes: by path, a size that the hub claims a file to have.
        requests: method and path of each.
    """

    url: str = ""
    commits: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    refs: dict[str, dict[str, str]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def push(self, repo: str, files: dict[str, bytes], branch: str = MAIN) -> str:
        """A new commit with these files on a branch; returns it."""
        known = self.commits.setdefault(repo, {})
        text = repr((repo, len(known), sorted(files)))
        commit = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        known[commit] = files
        self.refs.setdefault(repo, {})[branch] = commit
        return commit

    def downloaded(self) -> list[str]:
        """The files that were fetched, in order."""
        return [words.partition("/resolve/")[2] for words in self.requests if "GET /o" in words]


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serves for the block; the hub's ``url`` is where."""

    class Handler(_Handler):
        pass

    Handler.hub = hub
    with serving(Handler) as hub.url:
        yield hub


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        path = urlsplit(self.path).path
        self.hub.requests.append(f"{self.command} {unquote(path)}")
        words = path.strip("/").split("/")
        if words[:2] == ["api", "models"]:
            self._info("/".join(words[2:4]), unquote(words[5]) if len(words) > 5 else MAIN)
        elif len(words) > 4 and words[2] == "resolve":
            file = unquote("/".join(words[4:]))
            self._file("/".join(words[:2]), unquote(words[3]), file, body=body)
        else:
            self._missing("RepoNotFound")

    def _commit(self, repo: str, revision: str) -> str | None:
        if repo not in self.hub.commits:
            self._missing("RepoNotFound")
            return None
        commit = self.hub.refs[repo].get(revision, revision)
        if commit not in self.hub.commits[repo]:
            self._missing("RevisionNotFound")
            return None
        return commit

    def _info(self, repo: str, revision: str) -> None:
        commit = self._commit(repo, revision)
        if commit is None:
            return
        files = self.hub.commits[repo][commit]
        siblings = [
            {"rfilename": name, "size": self.hub.sizes.get(name, len(data)), "blobId": "0" * 40}
            for name, data in files.items()
        ]
        told = {"_id": "0", "id": repo, "sha": commit, "private": False, "siblings": siblings}
        data = json.dumps(told).encode()
        self._begin(200, {"Content-Type": "application/json", "Content-Length": str(len(data))})
        self.wfile.write(data)

    def _file(self, repo: str, revision: str, file: str, *, body: bool) -> None:
        commit = self._commit(repo, revision)
        if commit is None:
            return
        data = self.hub.commits[repo][commit].get(file)
        if data is None:
            self._missing("EntryNotFound", **{"X-Repo-Commit": commit})
            return
        tag = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        headers = {"ETag": f'"{tag}"', "X-Repo-Commit": commit, "Content-Length": str(len(data))}
        self._begin(200, headers)
        if body:
            self.wfile.write(data)

    def _missing(self, code: str, **headers: str) -> None:
        self._begin(404, {"X-Error-Code": code, "Content-Length": "0", **headers})

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""
