"""What every request passes first: its host, its origin, its key, its size and its time; and the headers that every answer has."""

import asyncio
import ipaddress
import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from keras_imgen.server.errors import Forbidden, RequestError, TooLarge, TooLate, body_of
from keras_imgen.server.keys import Keys, given_key
from keras_imgen.server.limits import Limits

OPEN = ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready")  # without a key
READING = ("GET", "HEAD")
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cache-control": "no-store",
}


class Guard:
    """An ASGI application around another.

    A page of another site cannot ask this server: not by a form or script (`Sec-Fetch-Site`, `Origin`; no CORS header is sent), and not
    by a name of its own that it lets point here (`Host` has to be an address, localhost, or one of the hosts, where there are no keys).

    Args:
        app: that answers.
        limits: of a request.
        keys: that are asked for, None for no keys.
        hosts: names by which the server may be asked without keys.
        observe: told the model that was asked, None for none, the status and the seconds of every request.
        seen: paths of files that everybody may see, without a key.
    """

    def __init__(
        self,
        app: Any,
        limits: Limits,
        keys: Keys | None = None,
        hosts: Sequence[str] = (),
        observe: Callable[[str | None, int, float], None] = lambda model, status, seconds: None,
        seen: Sequence[str] = (),
    ):
        self.app, self.limits, self.keys, self.observe = app, limits, keys, observe
        self.open = {*OPEN, *seen}
        self.hosts = {"localhost", *hosts}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        begun, status = time.monotonic(), None

        async def guarded(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in own),
                ]
            await send(message)

        try:
            self._check(scope, headers)
            await self.app(scope, self._limited(headers, receive), guarded)
        except RequestError as error:
            if status is not None:
                raise
            await _refuse(scope["path"], error, guarded)
        finally:
            self.observe(scope.get("path_params", {}).get("model"), status or 499, time.monotonic() - begun)

    def _check(self, scope, headers):
        host = headers.get("host", "")
        if self.keys is None and not self._is_ours(host):
            raise Forbidden(
                "Expected an address or localhost as Host: name others by --allow-host, or start the server with keys."
            )
        if scope["method"] not in READING:
            site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
            if site not in ("same-origin", "none") or origin is not None and urlsplit(origin).netloc != host:
                raise Forbidden("Expected a request of this server's own pages or of a program, not of another site.")
        if self.keys is not None and scope["path"] not in self.open:
            scope.setdefault("state", {})["key"] = self.keys.check(given_key(headers))
        if headers.get("content-length", "0").isdigit() and int(headers.get("content-length", "0")) > self.limits.body:
            raise TooLarge(self._too_large())

    def _is_ours(self, host):
        try:
            name = urlsplit(f"//{host}").hostname or ""
            if name in self.hosts:
                return True
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _too_large(self):
        return f"Expected a request of at most {self.limits.body} bytes: ask for less at a time."

    def _limited(self, headers, receive):
        """The body, counted; it has to come in time."""
        came, whole, end = 0, False, asyncio.get_running_loop().time() + self.limits.seconds

        async def counted():
            nonlocal came, whole
            if whole:
                return await receive()  # until the client leaves
            try:
                async with asyncio.timeout_at(end):
                    message = await receive()
            except TimeoutError:
                raise TooLate("Expected the whole request sooner.") from None
            came += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if came > self.limits.body:
                raise TooLarge(self._too_large())
            return message

        return counted


def headers_of(error: RequestError) -> dict[str, str]:
    """The headers that an error's answer has besides.

    Args:
        error: that is answered.
    """
    found = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    return found | ({"www-authenticate": "Bearer"} if error.status == 401 else {})


async def _refuse(path, error, send):
    headers = {"content-type": "application/json", **headers_of(error)}
    found = [(k.encode(), v.encode()) for k, v in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": found})
    await send({"type": "http.response.body", "body": json.dumps(body_of(path, error.status, str(error))).encode()})
