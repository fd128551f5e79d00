"""TensorFlow Serving's gRPC API: PredictionService and ModelService, as its stock stubs ask them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc
from google.protobuf.json_format import ParseDict
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis import classification_pb2 as classification
from tensorflow_serving.apis import get_model_metadata_pb2 as metadata
from tensorflow_serving.apis import get_model_status_pb2 as status
from tensorflow_serving.apis import predict_pb2 as predict
from tensorflow_serving.apis import regression_pb2 as regression

from keras_imgen.server.errors import LONGEST, Invalid, NotFound, as_request_error
from keras_imgen.server.keys import Keys, given_key
from keras_imgen.server.rest import wrong_method
from keras_imgen.server.service import DEFAULT, Service
from keras_imgen.server.tensor_protos import fill, to_array
from keras_imgen.server.waiting import apart

Answer = Callable[[Any, float | None], Awaitable[Message | bytes]]


class NoSignature(NotFound):
    """No such signature, by the code that TensorFlow Serving has for it."""

    code = "FAILED_PRECONDITION"


def server(service: Service, keys: Keys | None, address: str) -> tuple[grpc.aio.Server, int]:
    """(the server, not yet started, its port). It is made in the event loop of the service.

    Args:
        service: that answers.
        keys: that are asked for, in the metadata `authorization`, None for no keys.
        address: host and port, which may be 0, for a free one.

    Raises:
        OSError: the address cannot be had.
    """
    made = grpc.aio.server(options=[("grpc.max_receive_message_length", service.limits.body), ("grpc.so_reuseport", 0)])
    answers = Answers(service)
    services = {
        "PredictionService": {
            "Predict": (predict.PredictRequest, answers.predict),
            "GetModelMetadata": (metadata.GetModelMetadataRequest, answers.metadata),
            "Classify": (classification.ClassificationRequest, partial(answers.refuse, "classify")),
            "Regress": (regression.RegressionRequest, partial(answers.refuse, "regress")),
        },
        "ModelService": {"GetModelStatus": (status.GetModelStatusRequest, answers.status)},
    }
    for name, methods in services.items():
        handlers = {
            method: grpc.unary_unary_rpc_method_handler(_guarded(service, keys, *how))
            for method, how in methods.items()
        }
        made.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(f"tensorflow.serving.{name}", handlers),))
    try:
        return made, made.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"The address {address} cannot be had for gRPC: choose another --grpc-port.") from error


class Answers:
    """What is answered: requests of TensorFlow Serving, and seconds that the client waits or None, to responses.

    Args:
        service: that answers.
    """

    def __init__(self, service: Service):
        self._service = service

    async def predict(self, request: Any, deadline: float | None) -> bytes:
        """Outputs of a signature, as a message.

        Args:
            request: `PredictRequest`.
            deadline: seconds from now, None for those of the limits.

        Raises:
            RequestError: see `Service.answer`.
        """
        found = self._version(request)
        name = request.model_spec.signature_name or DEFAULT
        if name not in found.signatures:
            raise NoSignature(
                f'Serving signature key "{name}" not found; expected one of {", ".join(found.signatures)}.'
            )
        signature, limit = found.signatures[name], self._service.limits.body
        _known("input", request.inputs, signature.inputs)
        _known("output", request.output_filter, signature.outputs)
        tensors = {k: to_array(v, k, limit) for k, v in request.inputs.items()}
        number = found.found.version
        answered = await self._service.answer(request.model_spec.name, name, tensors, number, deadline)
        wanted = request.output_filter or list(answered)

        def write(tensors):
            response = predict.PredictResponse()
            _write_spec(response.model_spec, request.model_spec.name, number, name)
            for k, array in tensors.items():
                fill(response.outputs[k], array)
            return response.SerializeToString()

        return await apart(write, {k: answered[k] for k in wanted})

    async def metadata(self, request: Any, deadline: float | None) -> Message:
        """What the SavedModel declares.

        Args:
            request: `GetModelMetadataRequest`.
            deadline: not needed.

        Raises:
            RequestError: no such model, or another field than `signature_def`.
        """
        found = self._version(request)
        if not request.metadata_field:
            raise Invalid("GetModelMetadataRequest must specify at least one metadata_field")
        if unknown := set(request.metadata_field) - {"signature_def"}:
            raise Invalid(f"Metadata field {min(unknown)} is not supported")
        response = metadata.GetModelMetadataResponse()
        _write_spec(response.model_spec, request.model_spec.name, found.found.version)
        defs = ParseDict(
            {"signature_def": found.signature_defs}, metadata.SignatureDefMap(), ignore_unknown_fields=True
        )
        response.metadata["signature_def"].Pack(defs)
        return response

    async def status(self, request: Any, deadline: float | None) -> Message:
        """How it is with the versions of a model.

        Args:
            request: `GetModelStatusRequest`.
            deadline: not needed.

        Raises:
            RequestError: no such model.
        """
        name, number = _asked(request)
        response = status.GetModelStatusResponse()
        for one in self._service.status(name, number):
            own = response.model_version_status.add(version=one.version, state=one.state)
            own.status.error_code, own.status.error_message = 2 if one.error else 0, one.error  # UNKNOWN or OK
        return response

    async def refuse(self, method: str, request: Any, deadline: float | None) -> Message:
        """An error: no model here has a signature for it.

        Args:
            method: classify or regress.
            request: `ClassificationRequest` or `RegressionRequest`.
            deadline: not needed.

        Raises:
            RequestError: always.
        """
        raise wrong_method(self._version(request).signature_defs, request.model_spec.signature_name, method)

    def _version(self, request):
        return self._service.version(*_asked(request))


def _asked(request):
    """(name, version or None) of the model that is asked."""
    if not request.HasField("model_spec"):
        raise Invalid("Missing ModelSpec")
    spec = request.model_spec
    if spec.version_label:
        raise Invalid(f"Unrecognized servable version label: {spec.version_label}; give the number of a version.")
    return spec.name, spec.version.value if spec.HasField("version") else None


def _write_spec(spec, name, version, signature=""):
    spec.name, spec.version.value, spec.signature_name = name, version, signature


def _known(what, given, known):
    for name in given:
        if name not in known:
            expected = f"{what.capitalize()}s expected to be in the set {{{','.join(sorted(known))}}}."
            raise Invalid(f"{what} tensor alias not found in signature: {name}. {expected}")


def _guarded(service: Service, keys: Keys | None, kind: type[Message], answer: Answer) -> Any:
    """A method on bytes: the key is asked for before anything is read, and what goes wrong has a code."""

    async def method(body: bytes, context: Any) -> bytes:
        begun, model, code = time.monotonic(), "", "CANCELLED"
        try:
            if keys is not None:
                keys.check(given_key({k: v for k, v in context.invocation_metadata() if isinstance(v, str)}))
            request = kind.FromString(body)
            model = request.model_spec.name
            found = await answer(request, context.time_remaining())
            code = "OK"
            return found if isinstance(found, bytes) else found.SerializeToString()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            code, said, more = _told(error)
            await context.abort(grpc.StatusCode[code], said, more)
        finally:
            service.observe(model, code, time.monotonic() - begun)

    return method


def _told(error):
    """(code, message, metadata) of what went wrong."""
    if isinstance(error, DecodeError):
        error = Invalid("Malformed request: expected a message of TensorFlow Serving.")
    error = as_request_error(error, "gRPC")
    more = () if error.retry_after is None else (("retry-after", str(error.retry_after)),)
    return error.code, str(error)[:LONGEST], more
