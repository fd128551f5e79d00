"""The server's HTTP application: all protocols, health, figures and a page that lists what can be asked."""

import html
import json
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from keras_imgen import __version__
from keras_imgen.server import browser, open_inference, openai_images, rest
from keras_imgen.server.errors import RequestError, as_request_error, body_of
from keras_imgen.server.guard import Guard, headers_of
from keras_imgen.server.keys import Keys
from keras_imgen.server.service import Service

STYLE = "body{font:16px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}code{font-size:.9em}"


def application(service: Service, keys: Keys | None = None, hosts: Sequence[str] = ()) -> Guard:
    """The ASGI application.

    Args:
        service: that answers; who makes it starts and stops it.
        keys: that are asked for, None for no keys.
        hosts: names by which the server may be asked without keys, besides localhost and addresses.
    """
    closed = {"docs_url": None, "redoc_url": None, "openapi_url": None, "redirect_slashes": False}
    app = FastAPI(title="keras-imgen", version=__version__, **closed)
    for protocol in (rest, open_inference, openai_images, browser):
        app.include_router(protocol.router(service))

    @app.get("/healthz", tags=["server"], summary="Whether the server lives")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", tags=["server"], summary="Whether every model can answer")
    async def ready() -> JSONResponse:
        is_ready = service.ready()
        return JSONResponse({"status": "ready" if is_ready else "loading"}, 200 if is_ready else 503)

    @app.get("/metrics", tags=["server"], summary="Figures for Prometheus")
    async def metrics() -> Response:
        for name in service.models():
            service.metrics.waiting(name, service.version(name).batcher.waiting)
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        return HTMLResponse(_page(app.openapi(), service), headers={"content-security-policy": policy})

    @app.exception_handler(RequestError)
    async def refused(request: Request, error: RequestError) -> Response:
        return _error(request, error.status, str(error), error.param, headers_of(error))

    @app.exception_handler(RequestValidationError)
    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: Any) -> Response:
        malformed = isinstance(error, RequestValidationError)
        status, headers = (400, None) if malformed else (error.status_code, error.headers)
        said = f"Malformed request: {request.method} {request.url.path}" if malformed or status == 404 else error.detail
        return _error(request, status, said, headers=headers)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        hidden = as_request_error(error, f"{request.method} {request.url.path}")
        return _error(request, hidden.status, str(hidden))

    return Guard(app, service.limits, keys, hosts, service.observe, browser.PATHS)


def _error(request, status, message, param=None, headers=None):
    """In ASCII: a message may repeat what no other encoding takes."""
    text = json.dumps(body_of(request.url.path, status, message, param))
    return Response(text, status, headers, "application/json")


def _page(schema, service):
    """What can be asked, as a page without scripts: nothing is fetched from elsewhere."""
    rows = [
        f"<li><code>{method.upper()} {html.escape(path)}</code> {html.escape(about.get('summary', ''))}</li>"
        for path, methods in schema["paths"].items()
        for method, about in methods.items()
    ]
    models = []
    for name in service.models():
        signatures = service.version(name).signatures.values()
        items = [
            f"<li><code>{html.escape(rest.form_of(one))}</code><br>{html.escape(one.takes())}</li>"
            for one in signatures
        ]
        models.append(f"<h2>{html.escape(name)}</h2><ul>{''.join(items)}</ul>")
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>keras-imgen</title><style>{STYLE}</style>'
    return f'{head}<h1>keras-imgen</h1><p><a href="/openapi.json">OpenAPI</a></p><ul>{"".join(rows)}</ul>{"".join(models)}</html>'
