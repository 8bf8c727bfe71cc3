"""What lets a request in: the name it was sent to, the page it was sent by, and who sent it."""

import hmac
import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SECRET_BYTES = 32
SECRET = "cookie_secret"
"""File of the home folder from which cookies are made: a page that is open stays so when the server is started anew."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What a server lets in.

    Attributes:
        hosts: Names that the page may be asked for under, beside numeric addresses where those are allowed.
        origins: Where a proxy shows the page: `name` or `name:port` as a browser's address line has it.
        numeric: Whether any numeric address is a name of this machine: so it is where it listens on all of them.
        token: What the address must hold at the first visit; empty if a password, or nobody, guards the page.
        cookie: Name of the cookie by which a visitor is known afterwards.
        secret: What the cookie's value is signed with.
        embed: Whether other pages may show this one in a frame.
    """

    hosts: frozenset[str]
    origins: frozenset[str] = frozenset()
    numeric: bool = False
    token: str = ""
    cookie: str = "gatelight"
    secret: bytes = field(default=b"", repr=False)
    embed: bool = False

    def knows_host(self, host: str) -> bool:
        """Whether a `Host` header names this server. A name that somebody else's DNS leads here is none."""
        name = hostname(host)
        return name in self.hosts or (self.numeric and _is_numeric(name))

    def knows_sender(self, headers: Mapping[str, str], method: str) -> bool:
        """Whether a request comes from this page, from no page, or only opens the page.

        Browsers send `Origin` with every request that could change something, and `Sec-Fetch-Site` with all.
        """
        origin = headers.get("origin")
        if origin is not None:
            return _netloc(origin) in {headers.get("host", "").lower(), *self.origins}
        if headers.get("sec-fetch-site") not in ("cross-site", "same-site"):
            return True
        shown_in = ("document", "iframe") if self.embed else ("document",)
        return method in ("GET", "HEAD") and (
            headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") in shown_in
        )

    def knows_token(self, token: str) -> bool:
        """Whether a token is the server's."""
        return hmac.compare_digest(token.encode(), self.token.encode())


def hostname(host: str) -> str:
    """The name in a `Host` header, in small letters; empty if there is none.

    >>> hostname("Localhost:7860"), hostname("[::1]:7860"), hostname("http://[")
    ('localhost', '::1', '')
    """
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    """Name and port of an `Origin` header; a name that no host has where there is none."""
    try:
        return urlsplit(origin).netloc.lower() or "null"
    except ValueError:
        return "null"


def _is_numeric(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach a server that listens there."""
    return host.lower().strip("[]") in LOOPBACK or (_is_numeric(host) and ipaddress.ip_address(host).is_loopback)


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


def cookie_secret(home: Path) -> bytes:
    """The secret of a home folder, made at the first start and readable by its owner alone."""
    path = home / SECRET
    kept = path.read_bytes() if path.is_file() else b""
    if len(kept) >= 2 * SECRET_BYTES:
        return kept
    home.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    made = secrets.token_hex(SECRET_BYTES).encode()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(made)
    return made
