"""Servers in processes of their own, and clients that ask them on loopback with as little work as there can be."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOST = "127.0.0.1"
CHILD = """
from keras_imgen.cli import main
if __name__ == "__main__":
    main()
"""


class Server:
    """A server in processes of its own; `path` is where it is asked, `ready` answers 200 when it can be."""

    def __init__(self, words, path, ready="/readyz", environment=None):
        self.path, self.ready = path, ready
        self.port = free_port()
        words = [word.replace("PORT", str(self.port)) for word in words]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            words, env={**os.environ, **(environment or {})}, stdout=self.log, stderr=self.log, start_new_session=True
        )

    async def wait(self, seconds=300):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                connection = await Connection.open(self.port)
                status, _ = await connection.ask("GET", self.ready)
                connection.close()
                if status == 200:
                    return
            await asyncio.sleep(0.5)
        self.log.seek(0)
        raise RuntimeError(f"A server did not start: {self.log.read()[-2000:]}")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def free_port():
    with socket.socket() as found:
        found.bind((HOST, 0))
        return found.getsockname()[1]


class Connection:
    """HTTP/1.1 with as little work as there can be: the clients share the cores with what they measure."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port):
        return cls(*await asyncio.open_connection(HOST, port, limit=1 << 24))

    async def ask(self, method, path, body=b""):
        head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        sizes = [int(line.partition(":")[2]) for line in lines if line.startswith("content-length")]
        return int(lines[0].split()[1]), await self.reader.readexactly(sizes[0]) if sizes else b""

    def close(self):
        self.writer.close()


def ours(model, batch_wait):
    """`keras-imgen serve`."""
    name = Path(model).resolve().name
    words = [sys.executable, "-c", CHILD, "serve", model, "--port", "PORT", "--batch-wait", str(batch_wait)]
    return Server(words, f"/v1/models/{name}:predict")


def example(model, signature):
    """The request for one row that the export carries."""
    return json.loads(Path(model, "assets.extra", "examples", f"{signature}.json").read_text())


def request(kind, body, seed):
    """Its bytes, for a kind of server."""
    inputs = dict(body["inputs"])
    if "seeds" in inputs:
        inputs["seeds"] = [seed]
    if kind == "BentoML":
        return json.dumps({"rows": [{k: v[0] for k, v in inputs.items()}]}).encode()
    return json.dumps({**body, "inputs": inputs}).encode()


async def load(kind, server, body, clients, seconds):
    """Seconds of each request that ended, and the time that all took."""
    latencies, start = [], time.monotonic()

    async def client(k):
        connection, n = await Connection.open(server.port), 0
        while time.monotonic() < start + seconds:
            begun, n = time.perf_counter(), n + 1
            status, answer = await connection.ask("POST", server.path, request(kind, body, 1000 * k + n))
            if status != 200:
                raise RuntimeError(f"{kind} answered {status}: {answer[:300]}")
            latencies.append(time.perf_counter() - begun)
        connection.close()

    await asyncio.gather(*(client(k) for k in range(clients)))
    return latencies, time.monotonic() - start
