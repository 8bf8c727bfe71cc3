"""Cookies that say who somebody is, signed by the server, and good for a while."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

HOUR = 3600
KEPT_S = {"operator": 30 * 24 * HOUR, "name": 12 * HOUR, "guest": 24 * HOUR}
"""How long a cookie is good, by its kind: who had the token, who logged in, who came to a public server."""


def _nothing(_: str) -> str:
    return ""


@dataclass(frozen=True)
class Passes:
    """Makes and reads the values of one kind of cookie. None is good for another kind.

    Attributes:
        cookie: The cookie's name.
        kind: A key of `KEPT_S`.
        secret: What the signature is made from.
        mark: What is signed along for a text and can change, as a password: with it, the cookie loses its worth.
        now: The time in seconds.
    """

    cookie: str
    kind: str
    secret: bytes = field(repr=False)
    mark: Callable[[str], str] = _nothing
    now: Callable[[], float] = time.time

    def issue(self, text: str) -> str:
        """The value that stands for a text."""
        return self._value(text, int(self.now()))

    def read(self, value: str) -> str | None:
        """The text of a value that this server has issued, not too long ago; None for any other."""
        try:
            encoded, issued, _ = value.split(".")
            text, at = base64.urlsafe_b64decode(encoded + "==").decode(), int(issued)
        except ValueError:
            return None
        good = hmac.compare_digest(value.encode(), self._value(text, at).encode())
        return text if good and 0 <= self.now() - at + 1 <= KEPT_S[self.kind] else None

    def header(self, value: str, *, secure: bool = False, framed: bool = False) -> str:
        """The `Set-Cookie` header that brings a value; an empty one takes the cookie away.

        Args:
            value: See `issue`.
            secure: Whether it may only travel through TLS.
            framed: Whether the page is shown in a frame of another site.
        """
        age = KEPT_S[self.kind] if value else 0
        sites = "SameSite=None; Secure; Partitioned" if framed else "SameSite=strict" + ("; Secure" if secure else "")
        return f"{self.cookie}={value}; Max-Age={age}; Path=/; HttpOnly; {sites}"

    def _value(self, text: str, at: int) -> str:
        signed = json.dumps([self.kind, text, at, self.mark(text)]).encode()
        encoded = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return f"{encoded}.{at}.{hmac.new(self.secret, signed, hashlib.sha256).hexdigest()}"
