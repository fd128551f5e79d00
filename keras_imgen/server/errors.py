"""What a request can be answered with instead of tensors: each with its status in HTTP and its name in gRPC."""

import logging
from typing import Any

log = logging.getLogger(__name__)
LONGEST = 2000  # characters of a message, which may repeat what came
OPENAI_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


class RequestError(Exception):
    """A request that is not answered; the message says what was expected, what came and what to do.

    Args:
        message: for the client.
        retry_after: seconds after which it is worth another try, None where it is not.
        param: the name of what was wrong, where one thing was.

    Attributes:
        status: of HTTP.
        code: of gRPC.
        retry_after: whole seconds of at least 1, or None.
    """

    status, code = 500, "INTERNAL"

    def __init__(self, message: str, retry_after: float | None = None, param: str | None = None):
        super().__init__(message)
        self.retry_after = None if retry_after is None else max(1, round(retry_after))
        self.param = param


def as_request_error(error: Exception, what: str) -> RequestError:
    """The error itself, or in place of one that was not foreseen, which goes to the log, one that tells nothing of the server's inside.

    Args:
        error: that ended a request.
        what: was asked, for the log.
    """
    if isinstance(error, RequestError):
        return error
    log.error("%s", what, exc_info=error)
    return RequestError("Something went wrong in the server; its log says what.")


def body_of(path: str, status: int, message: str, param: str | None = None) -> dict[str, Any]:
    """An error in JSON, in the form of the protocol that a path belongs to.

    Args:
        path: that was asked.
        status: of HTTP.
        message: for the client.
        param: the name of what was wrong, None for nothing that has one.
    """
    message = message[:LONGEST]
    if not path.startswith("/v1/images") and path != "/v1/models":
        return {"error": message}
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": OPENAI_CODES.get(status)}}


class Invalid(RequestError):
    """Another form, type, shape or value than was expected."""

    status, code = 400, "INVALID_ARGUMENT"


class Unauthenticated(RequestError):
    """No key, or one that is not known."""

    status, code = 401, "UNAUTHENTICATED"


class Forbidden(RequestError):
    """From another site, or for another host."""

    status, code = 403, "PERMISSION_DENIED"


class NotFound(RequestError):
    """No such model, version, signature or endpoint."""

    status, code = 404, "NOT_FOUND"


class TooLarge(RequestError):
    """More bytes, pixels or rows than the server takes."""

    status, code = 413, "INVALID_ARGUMENT"


class Busy(RequestError):
    """The queue is full, or a key has used up its requests."""

    status, code = 429, "RESOURCE_EXHAUSTED"


class Unavailable(RequestError):
    """The model is not there now."""

    status, code = 503, "UNAVAILABLE"


class TooLate(RequestError):
    """The deadline has passed."""

    status, code = 504, "DEADLINE_EXCEEDED"
