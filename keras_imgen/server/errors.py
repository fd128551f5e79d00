"""What a request can be answered with instead of tensors: each with its status in HTTP and its name in gRPC."""

from collections.abc import Mapping
from typing import Any

LONGEST = 2000  # characters of a message, which may repeat what came
OPENAI_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}

OTHER_METHODS = {"classify": "classification", "regress": "regression"}  # of TensorFlow Serving, besides Predict


class RequestError(Exception):
    """A request that is not answered; the message says what was expected, what came and what to do.

    Args:
        message: for the client.
        retry_after: seconds after which it is worth another try, None where it is not.
        param: the name of what was wrong, where one thing was.

    Attributes:
        status: of HTTP.
        code: of gRPC.
    """

    status, code = 500, "INTERNAL"

    def __init__(self, message: str, retry_after: float | None = None, param: str | None = None):
        super().__init__(message)
        self.retry_after, self.param = retry_after, param


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


def wrong_method(defs: Mapping[str, Any], name: str, method: str) -> Invalid:
    """The error that TensorFlow Serving gives for a method of which a signature is not.

    Args:
        defs: what the SavedModel declares.
        name: of the signature that is asked, "" for `serving_default`.
        method: classify or regress.
    """
    name = name or "serving_default"
    if name not in defs:
        return Invalid(f"No signature was found with the name: {name}")
    wanted, was = f"tensorflow/serving/{method}", defs[name].get("method_name")
    said = f"Expected {OTHER_METHODS[method]} signature method_name to be {wanted}. Was: {was}"
    return Invalid(f"{said}; ask it by Predict.")
