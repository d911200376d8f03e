"""Who may: the token, the cookie, the name in the address, and the page that a request is from."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

from dse.serve.web._refusal import Refusal
from dse.serve.web._token import KEPT_S, new_token
from dse.serve.web.hosts import PORTS, Host, Hosts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = frozenset({"GET", "HEAD"})
"""The methods that change nothing."""
TICKET_S = 60.0
"""For how long the address works that a browser is started with, in seconds."""
NO_STORE = (b"cache-control", b"no-store")
POLICY = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of what has none of its own: it may load nothing and be framed by nobody."""
ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
BY_DEFAULT = (NO_STORE, (b"content-security-policy", POLICY))

_FOREIGN = Refusal(
    403,
    "From another page",
    (
        "This request comes from a page of somewhere else, so nothing was done.",
        'Open <a href="/">the page itself</a> and try again.',
    ),
)
_UNKNOWN = Refusal(
    403,
    "Not open without the token",
    (
        "Open the address that <code>dse serve</code> printed when it was started.",
        "Programs send the token in it as <code>Authorization: Bearer TOKEN</code>.",
        'If this browser knows the token and you followed a link, <a href="">go on</a>.',
    ),
)


class Access:
    """Lets those in who know the token; everything else is refused before anything is done.

    Whoever reaches the port or the socket must know the token. It is also needed on a Unix socket,
    whose file lets in its user alone: behind ``ssh -L`` it is a port of another machine, which
    anybody there, and any page in a browser there, can reach.

    Args:
        app: what is served.
        token: the secret.
        hosts: the names under which the server answers.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Hosts) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = hosts
        self._ticket: tuple[str, float] | None = None

    def make_ticket(self) -> str:
        """A word in the place of the token that works once, and for a minute only.

        Others can see the words of a command, so the token is not told to the browser's.
        """
        self._ticket = new_token(), time.monotonic() + TICKET_S
        return self._ticket[0]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request or refuses it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # there are none
            return
        await self._choose(scope)(scope, receive, _completing(send))

    def _choose(self, scope: Scope) -> ASGIApp:
        """The application that answers."""
        request = _Request(scope)
        host = request.host
        if host is None or not self._hosts.serve(host, request.scheme):
            return _explain_host(host)
        bearer = self._is_token(request.bearer)
        if not _is_of_our_page(request, bearer=bearer):
            return _FOREIGN
        if request.method in SAFE and self._opens(request.token):
            return _Entry(request.place, self._cookie(request, host))
        name = _cookie_name(request, host)
        if bearer or any(self._is_token(value) for value in request.cookies(name)):
            return self._app
        return _UNKNOWN

    def _opens(self, word: str | None) -> bool:
        """Whether a word of the address is the token, or the ticket."""
        if word is None:
            return False
        ticket, until = self._ticket or ("", 0.0)
        if ticket and secrets.compare_digest(word.encode(), ticket.encode()):
            self._ticket = None
            return time.monotonic() < until
        return self._is_token(word)

    def _is_token(self, word: str | None) -> bool:
        told = (word or "").encode("utf-8", "surrogateescape")
        return secrets.compare_digest(told, self._token)

    def _cookie(self, request: _Request, host: Host) -> str:
        secure = "; Secure" if request.scheme == "https" else ""
        name, value = _cookie_name(request, host), self._token.decode()
        return f"{name}={value}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Strict{secure}"


class _Request:
    """What of a request decides who may.

    Args:
        scope: of the request.
    """

    def __init__(self, scope: Scope) -> None:
        self.method: str = scope["method"]
        self.scheme = "https" if scope["scheme"] == "https" else "http"
        self._path: str = scope["path"]
        self._query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        self._headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            self._headers.setdefault(name.decode("latin-1").lower(), []).append(
                value.decode("latin-1").strip()
            )

    def header(self, name: str) -> str | None:
        """The value of a header; of several, all of them, which is the right value of none."""
        values = self._headers.get(name)
        return ", ".join(values) if values else None

    @property
    def host(self) -> Host | None:
        """The name and port that the browser asks for."""
        return Host.parse(self.header("host") or "")

    @property
    def origin(self) -> str:
        """The origin of pages that this server makes, as a browser writes it."""
        return f"{self.scheme}://{(self.header('host') or '').lower()}"

    @property
    def bearer(self) -> str | None:
        """The token that a program sends."""
        scheme, _, word = (self.header("authorization") or "").partition(" ")
        return word.strip() if scheme.lower() == "bearer" else None

    @property
    def token(self) -> str | None:
        """The token in the address."""
        return next((value for name, value in self._query if name == "token"), None)

    @property
    def place(self) -> str:
        """The address without the token and without the server, quoted."""
        rest = urlencode([(name, value) for name, value in self._query if name != "token"])
        path = quote("/" + self._path.lstrip("/"))  # `//name` would be another server
        return f"{path}?{rest}" if rest else path

    def cookies(self, name: str) -> Iterable[str]:
        """The values of the cookies of a name; a browser may send several."""
        for pair in "; ".join(self._headers.get("cookie", [])).split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                yield value


class _Entry:
    """Gives the cookie, and leads on to the address without the token.

    Args:
        place: that address.
        cookie: the value of ``Set-Cookie``.
    """

    def __init__(self, place: str, cookie: str) -> None:
        self._headers = [
            (b"location", place.encode()),
            (b"set-cookie", cookie.encode()),
            (b"content-length", b"0"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answers."""
        await send({"type": "http.response.start", "status": 303, "headers": self._headers})
        await send({"type": "http.response.body", "body": b""})


def _is_of_our_page(request: _Request, *, bearer: bool) -> bool:
    """Whether a request may be from where it is from.

    Browsers say that in ``Sec-Fetch-Site``, older ones in ``Origin`` alone; programs say nothing.
    Whoever looks at a page of elsewhere may follow a link to us, and that is all.
    """
    site, origin = request.header("sec-fetch-site"), request.header("origin")
    if request.method in SAFE:
        foreign = site is not None and site not in ("same-origin", "none")
        return not foreign or request.header("sec-fetch-mode") == "navigate"
    if site is not None:
        return site == "same-origin"
    if origin is not None:
        return origin == request.origin
    return bearer


def _cookie_name(request: _Request, host: Host) -> str:
    """The name of our cookie: cookies know no ports, and there may be several servers.

    The port is that of the browser's address, since ``ssh -L`` may lead from several ports of one
    machine to the same port of several.
    """
    port = PORTS[request.scheme] if host.port is None else host.port
    return f"{'__Host-' if request.scheme == 'https' else ''}dse-{port}"


def _explain_host(host: Host | None) -> Refusal:
    told = "its address" if host is None else f"<code>{host}</code>"
    more = () if host is None else (f"<code>dse serve --allow-host {host}</code> lets it in.",)
    tunnel = "<code>ssh -L 8765:127.0.0.1:8765 HOST</code>"
    return Refusal(
        421,
        "Not served under this name",
        (
            f"This server is not meant to be reached as {told}.",
            "Open the address that <code>dse serve</code> printed.",
            f"A tunnel must have the same port on both sides: {tunnel}.",
            *more,
        ),
    )


def _completing(send: Send) -> Send:
    """Sends what a browser must know of each answer with it."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": _complete(message.get("headers", ()))}
        await send(message)

    return sending


def _complete(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    always = {name for name, _ in ALWAYS}
    kept = [(name, value) for name, value in headers if name.lower() not in always]
    told = {name.lower() for name, _ in kept}
    return [*kept, *ALWAYS, *(each for each in BY_DEFAULT if each[0] not in told)]
