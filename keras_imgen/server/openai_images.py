"""OpenAI's images API, as its own client asks it: generations, edits, variations, and their progress as server-sent events."""

import asyncio
import base64
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from keras_imgen.server import image_work
from keras_imgen.server.errors import LONGEST, Invalid, RequestError, as_request_error, body_of
from keras_imgen.server.image_work import Wish
from keras_imgen.server.rest import parsed
from keras_imgen.server.service import Progress, Service
from keras_imgen.server.version import Version
from keras_imgen.server.waiting import while_connected

Work = Callable[[Callable[[Progress], None]], Awaitable[list[np.ndarray]]]
IGNORED = {"user", "safety_identifier"}
OTHERWISE = {  # what else may be asked for there, and cannot be had here
    "response_format": ("b64_json",),
    "output_format": ("png",),
    "quality": ("auto", "standard"),
    "background": ("auto", "opaque"),
    "moderation": ("auto", "low"),
}
OWN = {
    "model",
    "prompt",
    "n",
    "size",
    "seed",
    "stream",
    "partial_images",
    "image",
    "image[]",
    "mask",
    *IGNORED,
    *OTHERWISE,
}
WARNING = "x-keras-imgen-warning"  # a header: what a person should know of the prompt
PATIENCE = (
    5.0  # seconds in which a request that the model refuses is answered with an error's status, not with a stream
)
SOON = 0.2  # seconds in which one that has begun may be refused by a full queue


def router(service: Service) -> APIRouter:
    """Its routes.

    Args:
        service: that answers.
    """
    routes = APIRouter(tags=["OpenAI"])

    @routes.get("/v1/models", summary="Names of the models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [_about(service.version(name)) for name in service.models()]}

    @routes.post("/v1/images/generations", summary="New pictures, of a text, a label or nothing")
    async def generations(request: Request) -> Response:
        fields = parsed(await request.body())
        return await _answered(service, request, fields, image_work.generating, image_work.generate)

    @routes.post(
        "/v1/images/edits", summary="Pictures that are changed: by a text, where a mask is, restored, translated"
    )
    async def edits(request: Request) -> Response:
        return await _answered(service, request, await _form(request), image_work.editing, image_work.edit)

    @routes.post("/v1/images/variations", summary="Other pictures of the same kind")
    async def variations(request: Request) -> Response:
        fields = {"prompt": "", **await _form(request)}
        return await _answered(service, request, fields, image_work.varying, image_work.vary)

    return routes


def _about(version: Version) -> dict[str, Any]:
    created = max((time_ns for _, _, time_ns in version.found.state), default=0) // 10**9
    return {"id": version.found.name, "object": "model", "created": created, "owned_by": "keras-imgen"}


async def _answered(service, request, fields, fits, make):
    version = _chosen(service, fields.get("model"), fits)
    request.scope["path_params"]["model"] = version.found.name  # for the figures
    wish = _wish(fields, service.limits.rows)
    stream, partial = _flag(fields, "stream"), _whole(fields, "partial_images", 0, 0, 3)
    kind = "image_generation" if make is image_work.generate else "image_edit"
    work = lambda tell: make(service, version, wish, tell)  # noqa: E731
    if stream:
        return await _streamed(request.url.path, work, kind, partial, wish.seed)
    came: list[Progress] = []
    made = await while_connected(request, work(came.append))
    files = await asyncio.to_thread(lambda: [_png(image) for image in made])
    data = [{"b64_json": file, "seed": wish.seed + k} for k, file in enumerate(files)]
    notes = came[-1].notes
    headers = {WARNING: ascii(" ".join(notes))[1:-1][:LONGEST]} if notes else None
    return JSONResponse({"created": int(time.time()), "data": data, **_form_of(made[0])}, headers=headers)


def _chosen(service: Service, name: Any, fits: Callable[[Version], str | None]) -> Version:
    """The model that is asked; without a name the only one that can."""
    if name is not None and not isinstance(name, str):
        raise Invalid("Expected `model` as a name.", param="model")
    every = [service.version(one) for one in (service.models() if name is None else [name])]
    able = [one for one in every if fits(one)]
    if len(able) == 1:
        return able[0]
    if name is None:
        known = ", ".join(one.found.name for one in able or every)
        raise Invalid(
            f"Expected `model` of {known}." if able else f"No model here can: there is {known}.", param="model"
        )
    raise Invalid(f"The model {name} cannot: its endpoints are {', '.join(every[0].endpoints)}.", param="model")


# === What comes ===


async def _form(request: Request) -> dict[str, Any]:
    """Fields of a form: files as bytes, numbers and the like as JSON, all else as text."""
    try:
        form = await request.form(max_files=8, max_fields=64)
    except (RequestError, HTTPException):
        raise
    except Exception as error:  # of the parser
        raise Invalid("Expected a form, multipart/form-data.") from error
    if not form:
        raise Invalid("Expected a form, multipart/form-data, with `image` as a file.", param="image")
    fields: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name in fields:
            raise Invalid(f"Expected one {name.removesuffix('[]')!r}.", param=name)
        if isinstance(value, UploadFile):
            fields[name] = await value.read()
        else:
            fields[name] = value if name in ("prompt", "model", "size") else _value(value)
    await form.close()
    if "image[]" in fields:
        fields["image"] = fields.pop("image[]")
    return fields


def _value(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _wish(fields: Mapping[str, Any], most: int) -> Wish:
    for name, known in OTHERWISE.items():
        if fields.get(name) not in (None, *known):
            said = f"Expected `{name}` of {', '.join(known)}, got {fields[name]!r:.60}"
            raise Invalid(f"{said}." if name != "response_format" else f"{said}: files are not kept.", param=name)
    prompt, size = fields.get("prompt"), fields.get("size")
    if not isinstance(prompt, str):
        raise Invalid('Expected `prompt` as a text; "" where the model takes none.', param="prompt")
    if size not in (None, "auto"):
        found = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", size) if isinstance(size, str) else None
        if found is None:
            raise Invalid(f"Expected `size` as WIDTHxHEIGHT, or auto, got {size!r:.60}.", param="size")
    files = {name: fields.get(name) for name in ("image", "mask")}
    for name, file in files.items():
        if not isinstance(file, bytes | None):
            raise Invalid(f"Expected `{name}` as a file.", param=name)
    return Wish(
        prompt,
        _whole(fields, "seed", secrets.randbelow(1 << 31), 0, (1 << 31) - 1),
        _whole(fields, "n", 1, 1, most),
        None if size in (None, "auto") else (int(found[1]), int(found[2])),
        **files,
        others={k: v for k, v in fields.items() if k not in OWN},
    )


def _whole(fields, name, default, low, high):
    value = fields.get(name)
    if value is None:
        return default
    if type(value) is not int or not low <= value <= high:
        raise Invalid(f"Expected `{name}` as a whole number of {low} to {high}, got {value!r:.60}.", param=name)
    return value


def _flag(fields, name):
    if fields.get(name) not in (None, True, False):
        raise Invalid(f"Expected `{name}` as true or false.", param=name)
    return bool(fields.get(name))


# === What goes ===


def _png(image: np.ndarray) -> str:
    """A PNG file in base64."""
    from keras_imgen.data.image_io import png  # lazy: the package of data needs Keras

    return base64.b64encode(png(image)).decode()


def _form_of(image):
    about = {"background": "transparent" if image.shape[-1] == 4 else "opaque", "output_format": "png"}
    return {**about, "size": f"{image.shape[1]}x{image.shape[0]}"}


async def _streamed(path: str, work: Work, kind: str, partial: int, seed: int) -> Response:
    """Server-sent events: comments that tell the share that is finished, some pictures as far as they are, all at the end."""
    came: asyncio.Queue[Progress | None] = asyncio.Queue()
    begun = asyncio.Event()

    def tell(progress):
        came.put_nowait(progress)
        if progress is None or progress.state != "queued":
            begun.set()

    task = asyncio.ensure_future(work(tell))
    task.add_done_callback(lambda _: tell(None))
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(begun.wait(), PATIENCE)
        await asyncio.wait([task], timeout=SOON)
    except BaseException:
        task.cancel()
        raise
    if task.done() and task.exception() is not None:
        await task
    return StreamingResponse(_events(path, task, came, kind, partial, seed), media_type="text/event-stream")


async def _events(path, task, came, kind, partial, seed) -> AsyncIterator[str]:
    shown, notes = 0, ()
    try:
        while (progress := await came.get()) is not None:
            notes = progress.notes
            yield f": {progress.state} {progress.share:.3f}\n\n"
            due = int(progress.share * (partial + 1))
            if shown < due <= partial and progress.newest is not None and len(progress.newest):
                about = {"partial_image_index": shown, "share": round(progress.share, 3)}
                yield await _event(f"{kind}.partial_image", progress.newest[-1], about)
                shown = due
        for k, image in enumerate(await task):
            about = {"seed": seed + k, **({"warnings": list(notes)} if notes else {})}
            yield await _event(f"{kind}.completed", image, about)
    except Exception as error:
        error = as_request_error(error, f"POST {path}")
        yield f"event: error\ndata: {json.dumps(body_of(path, error.status, str(error), error.param))}\n\n"
    finally:
        task.cancel()


async def _event(kind, image, more):
    about = {"type": kind, "b64_json": await asyncio.to_thread(_png, image), "created_at": int(time.time())}
    return f"event: {kind}\ndata: {json.dumps({**about, 'quality': 'auto', **_form_of(image), **more})}\n\n"
