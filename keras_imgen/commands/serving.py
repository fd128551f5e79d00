"""What `keras-imgen serve` does: models in service until somebody ends it."""

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import signal
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from keras_imgen.libraries import has

NEEDED = ("fastapi", "uvicorn", "prometheus_client", "python_multipart")
FOR_GRPC = ("grpc", "tensorflow_serving")
LONGEST = 4000  # characters of a request that is shown; the files in an export are whole


def serve(
    paths: Sequence[str],
    host: str,
    port: int,
    keys: str | None,
    without_keys: bool,
    hosts: Sequence[str],
    batch_size: int,
    batch_wait: float,
    queue: int,
    memory: float | None,
    versions: int,
    seconds: float,
    say: Callable[[str], None],
    grpc_port: int | None = None,
) -> None:
    """Serve models until SIGTERM or Ctrl-C; requests that are on their way are answered.

    Args:
        paths: of the models, see `server.repository.scan`.
        host: address to listen at.
        port: to listen at, 0 for a free one.
        keys: the file of API keys, None for none.
        without_keys: let everybody ask who reaches the address.
        hosts: names by which the server may be asked without keys.
        batch_size: rows of a batch, at most.
        batch_wait: milliseconds that rows wait for others.
        queue: rows that wait, at most.
        memory: GiB that each model's process may have, None for any.
        versions: how many of the newest versions of a model are served.
        seconds: until a request is answered, at most.
        say: prints a line.
        grpc_port: to listen at with TensorFlow Serving's gRPC API, 0 for a free one; None for no gRPC.

    Raises:
        ModuleNotFoundError: a library of the server is not installed.
        ValueError: an address for everybody without keys; what the models or keys are refused for.
    """
    if missing := [name for name in NEEDED + (FOR_GRPC if grpc_port is not None else ()) if not has(name)]:
        raise ModuleNotFoundError(
            f"The server needs {', '.join(missing)}: pip install keras_imgen[serve].", name=missing[0]
        )
    if not is_loopback(host) and keys is None and not without_keys:
        raise ValueError(
            f"Others can reach {host}: give --keys FILE (`keras-imgen new-key FILE NAME` writes one), or --without-keys to let everybody "
            "ask."
        )
    from keras_imgen.server.app import application
    from keras_imgen.server.batching import Batching
    from keras_imgen.server.keys import Keys
    from keras_imgen.server.limits import Limits
    from keras_imgen.server.service import Service
    from keras_imgen.text import Remark

    logging.disable(logging.NOTSET)  # the command says nothing of libraries, a server what goes wrong in it
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    warnings.simplefilter("ignore", Remark)  # who asked is told
    known = None if keys is None else Keys(keys)
    bytes_ = None if memory is None else int(memory * 2**30)
    service = Service(paths, Batching(batch_size, batch_wait / 1000, queue), Limits(seconds=seconds), bytes_, versions)
    asyncio.run(_serve(service, application(service, known, hosts), host, port, known, say, grpc_port))


def show_examples(paths: Sequence[str], say: Callable[[str], None]) -> None:
    """Print a request for everything that models can be asked, without serving them.

    Args:
        paths: of the models, see `server.repository.scan`.
        say: prints a line.

    Raises:
        ValueError: what the models are refused for.
    """
    from keras_imgen.server.repository import scan
    from keras_imgen.server.worker import exported
    from keras_imgen.serving.carried import requests_of
    from keras_imgen.serving.examples import about, address, body

    for name, versions in scan(paths).items():
        path = versions[max(versions)].path
        with tempfile.TemporaryDirectory(prefix="keras-imgen-") as folder:
            if path.endswith(".keras"):
                exported(path, path := os.path.join(folder, "model"))
            signatures, given = requests_of(path)
        say(f"# {name}")
        for key, signature in signatures.items():
            text = json.dumps(body(key, given[key])).replace("'", r"'\''")
            text = text if len(text) < LONGEST else f"{text[:200]} ... {text[-100:]}"
            say(f"\n# {about(signature)}\ncurl {address(name)} -d '{text}'")


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


async def _serve(service, app, host, port, keys, say, grpc_port):
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # ours, below, are there before the first model is loaded

        async def startup(self, sockets: list[Any] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                address, number = self.servers[0].sockets[0].getsockname()[:2]
                for line in _greeting(service, address, number, keys is not None):
                    say(line)

    config = uvicorn.Config(
        app, host, port, log_config=None, access_log=False, server_header=False, lifespan="off", timeout_graceful_shutdown=30,
        h11_max_incomplete_event_size=1 << 16,
    )  # fmt: skip
    server, loop = Server(config), asyncio.get_running_loop()
    _is_free(host, port)
    loading = asyncio.ensure_future(service.start(say))

    def end():
        server.should_exit = True
        loading.cancel()

    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, end)
    try:
        say("Loading the models.")
        await loading
        async with _grpc(service, keys, host, grpc_port, say):
            await server.serve()
    except asyncio.CancelledError:
        pass
    finally:
        await service.stop()


def _is_free(host, port):
    """Known before models are loaded, which takes its time."""
    for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind) as one:
            if os.name == "posix":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(address)
            except OSError as error:
                raise ValueError(
                    f"Port {port} of {host} cannot be had ({error.strerror}): give another, --port N."
                ) from None


@contextlib.asynccontextmanager
async def _grpc(service, keys, host, port, say):
    """TensorFlow Serving's gRPC API beside the other protocols, where a port is given."""
    if port is None:
        yield
        return
    from keras_imgen.server.grpc_api import server

    host = f"[{host}]" if ":" in host else host
    made, port = server(service, keys, f"{host}:{port}")
    await made.start()
    say(f"gRPC, PredictionService of TensorFlow Serving, at {host}:{port}.")
    try:
        yield
    finally:
        await made.stop(30)


def _greeting(service, address, port, keyed):
    """The address, and a request to begin with."""
    from keras_imgen.server.rest import form_of

    where = f"http://{f'[{address}]' if ':' in address else address}:{port}"
    name = service.models()[0]
    yield f"Serving {', '.join(service.models())} at {where}: open it in a browser."
    yield f"{where}/docs lists what programs can ask, Ctrl-C ends. For example:"
    request = form_of(service.version(name).signatures["serving_default"])
    try:
        json.loads(request)
    except ValueError:  # a large picture
        yield f"  curl {where}/v1/models/{name}/metadata"
        return
    key = " -H 'Authorization: Bearer KEY'" if keyed else ""
    yield f"  curl{key} {where}/v1/models/{name}:predict -d '{request}'"
