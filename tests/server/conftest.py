"""Two small models, exported once; a server of them in this process, its workers in their own."""

import asyncio
import contextlib
import threading
import time

import numpy as np
import pytest

for _name in ("fastapi", "httpx", "prometheus_client"):
    pytest.importorskip(_name)


class Loop:
    """An event loop in a thread of its own, so that tests need not be coroutines."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def begin(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def __call__(self, work):
        return self.begin(work).result(120)


@pytest.fixture(scope="session")
def loop():
    return Loop()


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """A folder with `drawn`, digits of three classes in one step of noise, and `restored`, gray pictures without noise."""
    from keras_imgen.models import Denoiser, Diffusion
    from keras_imgen.networks import dncnn, unet

    folder = tmp_path_factory.mktemp("models")
    drawn = Diffusion(unet((8, 8, 1), widths=(8,), depth=1, num_classes=3), steps=4, guidance_scale=1.5)
    rng = np.random.default_rng(0)
    for v, average in drawn._averages:
        average.assign(rng.normal(0, 0.3, v.shape))
    drawn.export(str(folder / "drawn"))
    Denoiser(dncnn(channels=1, width=8, depth=3), sigma=25.0).export(str(folder / "restored"))
    return folder


@pytest.fixture(scope="session")
def service(exports, loop):
    from keras_imgen.server.limits import Limits
    from keras_imgen.server.service import Service

    async def made():
        return Service([str(exports)], limits=Limits(rows=64, pixels=4096, body=1 << 20))

    service = loop(made())
    loop(service.start())
    yield service
    loop(service.stop())


@pytest.fixture(scope="session")
def ask(service, loop):
    """Ask the application: (method, path, what httpx takes) -> the response."""
    from keras_imgen.server.app import application

    return asker(application(service), loop)


def asker(app, loop):
    import httpx

    async def request(method, path, **how):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8501", timeout=60) as client:
            return await client.request(method, path, **how)

    return lambda method, path, **how: loop(request(method, path, **how))


@pytest.fixture(scope="session")
def live(service, loop):
    """Serve an application at a port, for clients that need one: (application) -> its address."""
    uvicorn = pytest.importorskip("uvicorn")
    servers = []

    def start(app):
        server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_config=None, lifespan="off"))
        server.capture_signals = contextlib.nullcontext  # those are the tests'
        servers.append((server, loop.begin(server.serve())))
        while not server.started:
            time.sleep(0.01)
        return f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start
    for server, ended in servers:
        server.should_exit = True
        ended.result(30)


@pytest.fixture(scope="session")
def address(service, live):
    """Host and port of the application without keys."""
    from keras_imgen.server.app import application

    return live(application(service))


@pytest.fixture(scope="session")
def channel_of(loop):
    """Serve a service by gRPC, for stock stubs: (service, keys or None) -> a channel to it."""
    grpc = pytest.importorskip("grpc")
    pytest.importorskip("tensorflow_serving")
    from keras_imgen.server.grpc_api import server

    running = []

    def start(service, keys=None):
        async def begin():
            made, port = server(service, keys, "127.0.0.1:0")
            await made.start()
            return made, port

        made, port = loop(begin())
        running.append(made)
        return grpc.insecure_channel(f"127.0.0.1:{port}")

    yield start
    for made in running:
        loop(made.stop(0))


@pytest.fixture(scope="session")
def make_asker(loop):
    return lambda app: asker(app, loop)


@pytest.fixture(scope="session")
def direct(exports):
    """The same SavedModels in TensorFlow, in this process: (model, signature, tensors) -> arrays."""
    import tensorflow as tf

    loaded = {name: tf.saved_model.load(str(exports / name)) for name in ("drawn", "restored")}

    def call(model, signature, **tensors):
        found = loaded[model].signatures[signature](**{k: tf.constant(v) for k, v in tensors.items()})
        return {k: v.numpy() for k, v in found.items()}

    return call
