"""What a person's browser asks: the page, what can be filled in, and answers with their progress as server-sent events."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from keras_imgen import __version__
from keras_imgen.inference.endpoints import Endpoint, Rows
from keras_imgen.server import films
from keras_imgen.server.errors import Invalid, NotFound, RequestError, as_request_error
from keras_imgen.server.fields import Field, fields_of
from keras_imgen.server.filled import arguments_of, named_in, of_row
from keras_imgen.server.guard import headers_of
from keras_imgen.server.limits import Limits
from keras_imgen.server.rest import parsed
from keras_imgen.server.service import Service

PICTURES = ("images", "masks", "clips")  # outputs that are seen
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "jpg": "image/jpeg"}
POLICY = (  # of the page: its own files, and pictures that its scripts hold; nothing inline, nothing from elsewhere
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; media-src blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
FILES = {f"/page/{one.name}": one for one in (files(__package__) / "page").iterdir() if not one.name.startswith(".")}
PATHS = ("/", *FILES)  # of files that everybody may see
READERS = 2  # requests whose pictures and films are decoded at the same time: a film is hundreds of megabytes


def router(service: Service) -> APIRouter:
    """Its routes.

    Args:
        service: that answers.
    """
    routes = APIRouter(tags=["page"])
    reading = asyncio.Semaphore(READERS)

    @routes.get("/", include_in_schema=False)
    async def page() -> Response:
        return _file("/page/index.html")

    @routes.get("/page/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        return _file(f"/page/{name}")

    @routes.get("/api/models", summary="All models, their endpoints, and what can be filled in")
    async def models() -> JSONResponse:
        return JSONResponse(describe(service))

    @routes.post(
        "/api/models/{model}/{endpoint}", summary="Ask an endpoint; progress and answer are server-sent events"
    )
    async def call(request: Request, model: str, endpoint: str) -> Response:
        found = service.version(model)
        fields = fields_of(found.endpoint(endpoint), service.limits)
        try:
            given = _given(await request.body())
            async with reading:
                arguments = await asyncio.to_thread(arguments_of, fields, given, service.limits)
        except RequestError as error:
            return JSONResponse(_said(error, fields), error.status, headers_of(error))
        if "cuts" in found.endpoint(endpoint).parameters().parameters:
            from keras_imgen.data.cuts import is_cut  # lazy: the package of data needs Keras

            arguments["cuts"] = is_cut
        stream = _events(service, model, endpoint, found.found.version, fields, given, arguments)
        return StreamingResponse(stream, media_type="text/event-stream")

    return routes


def _file(path):
    if path not in FILES:
        raise NotFound(f"There is no {path}.")
    kind = TYPES[path.rpartition(".")[2]]
    return Response(FILES[path].read_bytes(), media_type=kind, headers={"content-security-policy": POLICY})


def _given(body):
    try:
        found = parsed(body)
    except Invalid:
        found = {}
    if set(found) != {"arguments"}:
        raise Invalid('Expected a JSON object {"arguments": {...}}.')
    return found["arguments"]


def describe(service: Service) -> dict[str, Any]:
    """All models, with their endpoints and the fields of these, as JSON. Endpoints of pictures in numbers, as `denoise`, nobody fills in
    by hand.

    Args:
        service: of the models.
    """
    models, elsewhere = [], []
    for name in service.models():
        found = service.version(name)
        about = {"name": name, "version": found.found.version, "model": found.description.get("model", "")}
        fields = {own: fields_of(one, service.limits) for own, one in found.endpoints.items()}
        endpoints = [
            {
                "name": own,
                "output": one.output,
                "pictures": one.output in PICTURES,
                "by_hand": not any(isinstance(taken, Rows) and len(taken.shape) > 2 for taken in one.inputs),
                "fields": [field.about() for field in fields[own]],
            }
            for own, one in found.endpoints.items()
            if _can_be_asked(one, fields[own])
        ]
        if endpoints:
            models.append({**about, "endpoints": endpoints})
        else:
            elsewhere.append(name)
    limits = {"pixels": service.limits.pixels, "body": service.limits.body, "seconds": service.limits.seconds}
    return {"models": models, "elsewhere": elsewhere, "limits": limits}


def _can_be_asked(endpoint, fields):
    """Whether there is a field for all that it needs."""
    filled = {field.name.partition(".")[0] for field in fields}
    return all(name in filled for name, one in endpoint.parameters().parameters.items() if one.default is one.empty)


# === A call ===


async def _events(
    service: Service,
    model: str,
    name: str,
    version: int,
    fields: Sequence[Field],
    given: Mapping[str, Any],
    arguments: Mapping[str, Any],
) -> AsyncIterator[str]:
    """`progress` as it comes, then `result` or `error`. It ends, and the call with it, when the client leaves."""
    queue: asyncio.Queue = asyncio.Queue()
    endpoint = service.version(model, version).endpoints[name]

    notes: list[str] = []

    def tell(progress):
        notes[:] = progress.notes
        queue.put_nowait(progress)

    async def work():
        try:
            made = await service.call(model, name, arguments, version, progress=tell)
            label = {"model": model, "version": version, "endpoint": name}
            found = await asyncio.to_thread(_answer, endpoint, label, fields, given, made, service.limits)
            return "result", {**label, **found, "notes": [*notes, *found.get("notes", ())]}
        except RequestError as error:
            return "error", _said(error, fields)
        except Exception as error:
            hidden = as_request_error(error, f"{name} of {model}")
            return "error", {"error": str(hidden), "status": hidden.status}

    task = asyncio.ensure_future(work())
    task.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while (one := await queue.get()) is not None:
            yield _event("progress", {"state": one.state, "parts": one.parts, "share": round(one.share, 3)})
        yield _event(*task.result())
    finally:
        task.cancel()


def _event(kind, value):
    return f"event: {kind}\ndata: {json.dumps(value, separators=(',', ':'))}\n\n"


def _said(error, fields):
    again = {} if error.retry_after is None else {"retry_after": error.retry_after}
    return {"error": str(error), "status": error.status, "field": named_in(str(error), fields), **again}


def _answer(
    endpoint: Endpoint,
    label: Mapping[str, Any],
    fields: Sequence[Field],
    given: Mapping[str, Any],
    made: np.ndarray,
    limits: Limits,
) -> dict[str, Any]:
    """Pictures as PNG files that tell how they were made, clips as such that move, films as MP4 files; or numbers."""
    from keras_imgen.data.image_io import apng, png  # lazy: the package of data needs Keras

    if endpoint.output not in PICTURES:
        return {"numbers": made.tolist(), "shape": made.shape}
    film = next((field for field in fields if field.control == "film" and field.shape[0] is None), None)
    if film:
        own = of_row(fields, given, 0)
        comment = json.dumps({**label, "arguments": own, "software": f"keras_imgen {__version__}"})
        out = films.mp4(made, base64.b64decode(given[film.name]), limits, comment)
        about = {"height": made.shape[1], "width": made.shape[2], "frames": len(made), "sound": out.sound}
        return {"pictures": [{"mp4": _text(out.file), **about, "arguments": own}], "notes": out.notes}
    alone = made.ndim == 2 or made.ndim == 3 and made.shape[-1] in (1, 3, 4)  # of any size, not in a batch
    seeded = any(field.control == "seed" for field in fields)
    found = []
    for row, picture in enumerate(made[None] if alone else made):
        own = of_row(fields, given, row)
        about = {**label, "arguments": json.dumps(own), "software": f"keras_imgen {__version__}"}
        about |= {"seed": own["seed"]} if seeded and "seed" in own else {}
        moving = made.ndim == 5
        size = {"height": picture.shape[moving], "width": picture.shape[moving + 1]}
        size |= {"frames": len(picture)} if moving else {}
        found.append({"png": _text((apng if moving else png)(picture, about)), **size, "arguments": own})
    return {"pictures": found}


def _text(data):
    return base64.b64encode(data).decode()
