"""API keys: a file has their hashes alone, with how many requests each may make in a minute."""

import hashlib
import math
import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from keras_imgen.server.errors import Busy, Unauthenticated

PER_MINUTE = 600
LINE = re.compile(r"([\w.-]{1,64}) ([0-9a-f]{64}) (\d{1,6})")


@dataclass
class _Key:
    name: str
    per_minute: int
    left: float
    seen: float = field(default_factory=time.monotonic)


class Keys:
    """The keys of a file, a line each: name, SHA-256 in hexadecimal, requests per minute.

    A key is 256 random bits, so that a plain hash of it tells nothing.

    Args:
        path: of the file.

    Raises:
        ValueError: another form, or no key.
    """

    def __init__(self, path: str):
        self._keys: dict[str, _Key] = {}
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip() or line.startswith("#"):
                    continue
                found = LINE.fullmatch(line.strip())
                if found is None or int(found[3]) < 1:
                    raise ValueError(
                        f"Expected NAME SHA256 REQUESTS_PER_MINUTE in line {number} of {path}: add keys by `keras-imgen new-key`."
                    )
                self._keys[found[2]] = _Key(found[1], int(found[3]), float(found[3]))
        if not self._keys:
            raise ValueError(f"There is no key in {path}: add one by `keras-imgen new-key {path} NAME`.")

    def check(self, key: str | None) -> str:
        """The name of a key that may ask now; it counts as one request.

        Args:
            key: as it was given, None for none.

        Raises:
            Unauthenticated: none, or one that is not known.
            Busy: it has asked too often.
        """
        found = self._keys.get(_hashed(key)) if key else None
        if found is None:
            raise Unauthenticated(
                "Expected an API key that is known, in the header `Authorization: Bearer KEY` or `X-API-Key: KEY`."
            )
        now = time.monotonic()
        found.left = min(found.per_minute, found.left + (now - found.seen) * found.per_minute / 60)
        found.seen = now
        if found.left < 1:
            seconds = math.ceil((1 - found.left) * 60 / found.per_minute)
            raise Busy(
                f"Expected at most {found.per_minute} requests in a minute by this key: ask again in {seconds} s.",
                seconds,
            )
        found.left -= 1
        return found.name


def given_key(headers: Mapping[str, str]) -> str | None:
    """The key of a request, None where there is none: `Authorization: Bearer KEY`, or `X-API-Key: KEY`.

    Args:
        headers: of HTTP, or metadata of gRPC, by their names in lower case.
    """
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key")


def new_key(path: str, name: str, per_minute: int = PER_MINUTE) -> str:
    """A new key, whose hash is added to the file, which only its owner may read; the key itself is kept nowhere.

    Args:
        path: of the file; made where there is none.
        name: of who has it, for logs and figures.
        per_minute: requests that it may make.

    Raises:
        ValueError: another kind of name or number.
    """
    key = secrets.token_urlsafe(32)
    line = f"{name} {_hashed(key)} {per_minute}"
    if LINE.fullmatch(line) is None or per_minute < 1:
        raise ValueError(
            f"Expected a name of letters, digits, '_', '.' and '-' and at least 1 request, got {name!r} and {per_minute}."
        )
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    return key


def _hashed(key):
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
