"""Who may look: anybody on this machine, or whoever has the token; nobody may change anything.

A token comes once in the address that is opened, is exchanged for a cookie that scripts cannot read, and leaves the
address bar. It is compared in constant time and never logged.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import os
import secrets
import stat
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from monitoring.errors import CannotServe

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Access", "Guard", "is_loopback", "keep_token"]

_BYTES = 32
_COOKIE_S = 30 * 86400

_HEADERS = {
    # Plots set styles of elements from scripts, which this allows; a style or script inside of the page it does not.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Access:
    """Who may look.

    Attributes:
        token: what everybody has to bring; empty for none, on the loopback interface.
        over_tls: whether the cookie may only travel encrypted.

    """

    token: str = ""
    over_tls: bool = False

    @property
    def cookie(self) -> str:
        """Name of the cookie, by the token: dashboards behind several ports of one name do not share cookies."""
        return f"sonicgrid_{hashlib.sha256(self.token.encode()).hexdigest()[:8]}"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    name = host.removeprefix("[").removesuffix("]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return False


def keep_token(path: Path) -> str:
    """Return the token of a file, which is made if there is none yet.

    Raises:
        CannotServe: it cannot be read or written, or others can read it.

    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: the dashboard's token cannot be kept there: {error}"
        raise CannotServe(message) from error
    if mode & 0o077:
        message = f"{path}: others can read the dashboard's token; delete the file, and a new one is made"
        raise CannotServe(message)
    if len(token) < _BYTES:
        message = f"{path}: this is no token of a dashboard; delete the file, and a new one is made"
        raise CannotServe(message)
    return token


def _make(path: Path) -> None:
    """Write a new token; of two that do so at once, the first one's is kept."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(_BYTES) + "\n")
    with contextlib.suppress(FileExistsError):
        os.link(new, path)
    new.unlink()


class Guard:
    """Stands before the application.

    Args:
        app: what is guarded.
        access: who may look.

    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._refuse(scope) or (self._ask_for_token(scope) if self._access.token else None)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _refuse(self, scope: Scope) -> Response | None:
        if scope["method"] not in ("GET", "HEAD"):
            text = "The dashboard changes nothing: only GET and HEAD are answered.\n"
            return PlainTextResponse(text, 405, {"Allow": "GET, HEAD"})
        host = Headers(scope=scope).get("host", "")
        # Without a token, a foreign page could have its own name lead here, and read what is on this machine.
        if not self._access.token and not is_loopback(_without_port(host)):
            text = (
                f"This dashboard answers to this machine's own names, such as localhost, and not to {host[:200]!r}.\n"
                "Start it with --token to reach it by another name.\n"
            )
            return PlainTextResponse(text, 421)
        return None

    def _ask_for_token(self, scope: Scope) -> Response | None:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = next((value for name, value in query if name == "token"), None)
        headers = Headers(scope=scope)
        if given is not None and self._is_right(given):
            return self._exchange(scope["path"], [pair for pair in query if pair[0] != "token"])
        if given is None and (self._is_right(_bearer(headers)) or self._is_right(self._from_cookie(headers))):
            return None
        text = (
            "This dashboard asks for a token. Open the address that `sonicgrid dashboard` printed, "
            "or send the header `Authorization: Bearer TOKEN`."
        )
        challenge = {"WWW-Authenticate": "Bearer"}
        if scope["path"].startswith(("/json/", "/live/")):
            return JSONResponse({"error": text}, 401, challenge)
        return PlainTextResponse(text + "\n", 401, challenge)

    def _exchange(self, path: str, query: list[tuple[str, str]]) -> Response:
        """Give the cookie, and lead to the same page without the token; relative, for whatever stands before us."""
        here = quote(path.rpartition("/")[2]) or "./"
        answer = RedirectResponse(f"{here}?{urlencode(query)}" if query else here, 303)
        answer.set_cookie(
            self._access.cookie,
            self._access.token,
            max_age=_COOKIE_S,
            httponly=True,
            samesite="strict",
            secure=self._access.over_tls,
        )
        return answer

    def _from_cookie(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._access.cookie)
        except CookieError:
            return ""
        return found.value if found else ""

    def _is_right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._access.token.encode())


def _bearer(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host
