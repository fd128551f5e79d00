"""The service: the same bytes as TensorFlow, and nothing lost when a process is."""

import asyncio
import os
import shutil
import signal
import time

import numpy as np
import pytest

from keras_imgen import serving
from keras_imgen.server import worker
from keras_imgen.server.errors import Invalid, NotFound, TooLarge, TooLate
from keras_imgen.server.limits import Limits
from keras_imgen.server.service import Service

pytestmark = pytest.mark.tensorflow


def asked(n, start=0):
    seeds = np.arange(start, start + n, dtype="int32")
    return {"seeds": seeds, "labels": seeds % 3}


def png(array):
    import tensorflow as tf

    return tf.io.encode_png(array).numpy()


def test_every_signature_gives_tensorflows_bytes(service, loop, direct):
    gray = np.random.default_rng(0).integers(0, 256, (2, 9, 7, 1)).astype("uint8")
    files = np.array([png(gray[0]), png(gray[1, :5])], object)
    level = {"alpha": np.full(2, 0.6, "float32"), "sigma": np.full(2, 0.8, "float32")}
    noisy = {
        "image": gray.astype("float32")[:, :8, :1].repeat(8, 2) / 255,
        **level,
        "labels": np.array([0, 2], "int32"),
    }
    requests = [
        ("drawn", "serving_default", asked(3)),
        ("drawn", "denoise", noisy),
        ("restored", "restore", {"images": gray}),
        ("restored", "restore_bytes", {"image_bytes": files}),
    ]
    for model, signature, tensors in requests:
        found, wanted = loop(service.answer(model, signature, tensors)), direct(model, signature, **tensors)
        assert set(found) == set(wanted)
        for name in found:
            np.testing.assert_array_equal(found[name], wanted[name], f"{signature} {name}")


@pytest.mark.parametrize("name, wanted", [("drawn", ["sample", "denoise"]), ("restored", ["tiles"])])
def test_a_model_is_warm_when_it_is_loaded(exports, monkeypatch, name, wanted):
    model, ran = serving.load(str(exports / name)), []
    real = model.run
    monkeypatch.setattr(model, "run", lambda signature, tensors: ran.append(signature) or real(signature, tensors))
    worker._warm_up(model, str(exports / name))
    assert ran == wanted
    monkeypatch.setattr(model, "run", lambda signature, tensors: 1 / 0)
    worker._warm_up(model, str(exports / name))  # who asks is told


def test_a_row_is_the_same_alone_and_among_others(service, loop):
    async def one_by_one():
        every = [service.answer("drawn", tensors=asked(1, k)) for k in range(12)]
        return np.concatenate([one["images"] for one in await asyncio.gather(*every)])

    np.testing.assert_array_equal(loop(one_by_one()), loop(service.answer("drawn", tensors=asked(12)))["images"])


def test_what_has_a_default_may_be_left_out(service, loop, exports):
    short = loop(service.answer("drawn", "sample", asked(3)))["images"]
    np.testing.assert_array_equal(short, loop(service.answer("drawn", tensors=asked(3)))["images"])


def test_call_is_the_models_own_method(service, loop, exports):
    drawn, restored = (serving.load(str(exports / name)) for name in ("drawn", "restored"))
    told = {"labels": [0, 1, 2], "seed": 5, "guidance_scale": 3.0, "steps": 6}
    np.testing.assert_array_equal(loop(service.call("drawn", "generate", told)), drawn.generate(**told))
    colour = np.random.default_rng(0).integers(0, 256, (1, 20, 30, 3)).astype("uint8")
    steps = []
    found = loop(
        service.call("restored", "restore", {"images": colour, "tile": 16, "overlap": 4}, progress=steps.append)
    )
    np.testing.assert_array_equal(found, restored.restore(colour, tile=16, overlap=4))
    assert [steps[0].state, steps[-1].state] == ["queued", "done"] and steps[-1].parts > 3


@pytest.mark.parametrize(
    "model, signature, tensors, kind, said",
    [
        ("drawn", "serving_default", {"seeds": np.zeros(1, "int32")}, Invalid, r"labels: int32 \(N,\); labels missing"),
        ("drawn", "serving_default", {**asked(1), "x": np.zeros(1)}, Invalid, "'x' is none of them"),
        ("drawn", "serving_default", {**asked(2), "labels": np.zeros(3, "int32")}, Invalid, "as many rows"),
        ("drawn", "serving_default", {**asked(1), "labels": np.zeros(1, "float32")}, Invalid, "got float32"),
        ("drawn", "nothing", asked(1), NotFound, "one of .*serving_default"),
        ("nothing", "serving_default", asked(1), NotFound, "Servable not found"),
        ("drawn", "serving_default", asked(65), TooLarge, "at most 64 rows"),
        ("restored", "restore", {"images": np.zeros((1, 65, 64, 1), "uint8")}, TooLarge, "at most 4096 pixels"),
        ("restored", "restore_bytes", {"image_bytes": np.array([b"GIF89a"], object)}, Invalid, "PNG or JPEG"),
    ],
)
def test_other_requests_are_refused_in_words(service, loop, model, signature, tensors, kind, said):
    with pytest.raises(kind, match=said):
        loop(service.answer(model, signature, tensors))


@pytest.mark.parametrize(
    "model, endpoint, arguments, said",
    [
        ("restored", "restore", {"images": "/etc/passwd"}, "as an array"),
        ("restored", "restore", {"images": ["/etc/passwd"]}, "as an array"),
        ("restored", "restore", {"images": np.zeros((1, 4, 4, 1), "uint8"), "masks": "/etc/passwd"}, "as an array"),
        ("drawn", "generate", {"labels": [3]}, r"labels in 0\.\.2"),
        ("drawn", "generate", {"prompt": "x"}, "expected arguments of n, labels"),
        ("drawn", "generate", {"n": 10**9}, "at most 64"),
    ],
)
def test_calls_open_no_file_and_say_what_they_take(service, loop, model, endpoint, arguments, said):
    with pytest.raises((Invalid, TooLarge), match=said):
        loop(service.call(model, endpoint, arguments))


def test_a_bomb_is_refused_by_its_header(service, loop):
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    with pytest.raises(TooLarge, match="pixels"):
        loop(service.answer("restored", "restore_bytes", {"image_bytes": np.array([bomb], object)}))


def test_a_deadline_is_kept(service, loop):
    with pytest.raises(TooLate, match="within 0.001 s"):
        loop(service.answer("drawn", tensors=asked(8), deadline=0.001))


def test_a_killed_process_loses_no_request(service, loop, direct):
    worker = service.version("drawn").worker
    before = worker.process_id

    async def ask():
        every = [asyncio.ensure_future(service.answer("drawn", tensors=asked(4, k))) for k in range(20)]
        await asyncio.sleep(0.05)
        os.kill(before, signal.SIGKILL)
        return await asyncio.gather(*every)

    for k, found in enumerate(loop(ask())):
        np.testing.assert_array_equal(found["images"], direct("drawn", "serving_default", **asked(4, k))["images"])
    assert worker.process_id not in (None, before)


@pytest.mark.slow
def test_a_new_version_takes_over_and_a_half_copied_one_does_not(exports, loop, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(exports / "restored", folder / "1")

    async def made():
        return Service([str(folder)], poll=0.1)

    async def until(condition):
        end = time.monotonic() + 40
        while not condition() and time.monotonic() < end:
            await service.answer("model", "restore", {"images": np.zeros((1, 4, 4, 1), "uint8")})  # served all the time
            await asyncio.sleep(0.05)
        assert condition()

    service = loop(made())
    loop(service.start())
    try:
        shutil.copytree(exports / "restored", folder / "2")
        data = next((folder / "2" / "variables").glob("*.data-*"))
        whole = data.read_bytes()
        data.write_bytes(whole[: len(whole) // 2])
        loop(until(lambda: any(one.error for one in service.status("model"))))
        assert [(s.version, s.state) for s in service.status("model")] == [(2, "END"), (1, "AVAILABLE")]
        data.write_bytes(whole)
        loop(until(lambda: [(s.version, s.state) for s in service.status("model")] == [(2, "AVAILABLE")]))
        with pytest.raises(NotFound, match="Specific"):
            service.version("model", 1)
    finally:
        loop(service.stop())


def test_what_cannot_be_loaded_is_said_and_the_others_are_served(loop, exports, tmp_path):
    (tmp_path / "drawn").symlink_to(exports / "drawn")
    shutil.copytree(exports / "restored", tmp_path / "torn")
    (tmp_path / "torn" / "saved_model.pb").write_bytes(b"no graph")

    async def made():
        return Service([str(tmp_path)], limits=Limits(seconds=60))

    service, lines = loop(made()), []
    loop(service.start(lines.append))
    try:
        assert service.models() == ["drawn"] and service.ready()
        assert [line.split(":")[0] for line in lines] == ["1 of 2", "2 of 2"]
        assert (
            sum("drawn is loaded" in one for one in lines) == sum("torn cannot be loaded" in one for one in lines) == 1
        )
        (torn,) = service.status("torn")
        assert torn.state == "END" and torn.error
    finally:
        loop(service.stop())


@pytest.mark.slow
def test_keras_files_are_served_and_code_in_them_is_not(loop, tmp_path):
    import keras

    from keras_imgen.models import Denoiser
    from keras_imgen.networks import dncnn

    model = Denoiser(dncnn(channels=1, width=8, depth=3), sigma=25.0)
    model.save(str(tmp_path / "clean.keras"))
    network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Lambda(lambda x: x)])
    network.save(str(tmp_path / "bad" / "code.keras") if (tmp_path / "bad").mkdir() is None else "")

    async def made(path):
        return Service([str(path)], limits=Limits(seconds=60))

    service, refused = loop(made(tmp_path / "clean.keras")), loop(made(tmp_path / "bad"))
    loop(service.start())
    try:
        images = np.random.default_rng(0).integers(0, 256, (1, 8, 9, 1)).astype("uint8")
        np.testing.assert_array_equal(loop(service.call("clean", "restore", {"images": images})), model.restore(images))
    finally:
        loop(service.stop())
    with pytest.raises(ValueError, match="code cannot be loaded.*(safe_mode|Lambda|lambda)"):
        loop(refused.start())


@pytest.mark.slow
def test_what_needs_too_much_memory_fails_alone(exports):
    from keras_imgen.server.errors import RequestError
    from keras_imgen.server.worker import Worker

    worker = Worker(str(exports / "restored"), memory=1 << 30)
    worker.start()
    small, large = (np.zeros((1, n, n, 1), "uint8") for n in (16, 6000))
    try:
        wanted = worker.run("restore", {"images": small}, 60)["images"]
        with pytest.raises(RequestError, match="memory"):
            worker.run("restore", {"images": large}, 120)
        np.testing.assert_array_equal(worker.run("restore", {"images": small}, 60)["images"], wanted)
    finally:
        worker.stop()


def test_a_model_that_does_not_survive_its_first_questions_is_served_all_the_same(monkeypatch):
    class Process:
        def kill(self):
            pass

        join = is_alive = kill

    class Connection:
        def __init__(self, warm):
            self.warm = warm

        def recv_bytes(self):
            if self.warm:
                raise EOFError
            return worker.pack({"signature_defs": {"made": 1}}, {})

        def close(self):
            pass

    asked = []
    monkeypatch.setattr(
        worker, "started", lambda target, path, memory, warm: asked.append(warm) or (Connection(warm), Process())
    )
    one = worker.Worker("model", 1)
    one.start()
    assert asked == [True, False] and one.signature_defs == {"made": 1}
