"""Minutes or hours of good and bad requests, clients that leave and processes that are killed; see `benchmarks.serving --soak`."""

import asyncio
import contextlib
import json
import os
import random
import signal
import statistics
import time
from collections import Counter
from pathlib import Path

from benchmarks.loopback import Connection, example, load, ours, request


def bad_requests(path, body):
    """(method, path, body, statuses that are right) of requests that are wrong."""
    text = json.dumps(body).encode()
    yield from [
        ("POST", path, b"{", {400}),
        ("POST", path, b"[" * 10_000, {400}),
        ("POST", path, b'{"instances": []}', {400}),
        ("POST", path, json.dumps({**body, "inputs": {"nothing": [1]}}).encode(), {400}),
        ("POST", path, json.dumps({**body, "signature_name": "none"}).encode(), {400}),
        ("POST", path, json.dumps({**body, "inputs": {k: "text" for k in body["inputs"]}}).encode(), {400}),
        ("POST", path.replace(":predict", ":classify"), text, {400}),
        ("POST", path.replace("/models/", "/models/no-"), text, {404}),
        ("GET", "/v1/models/..%2f..%2fetc%2fpasswd", b"", {400, 404}),
        ("DELETE", path, b"", {405}),
    ]


def children(pid):
    """Processes below one, by their ids."""
    found = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            own, rest = place.read_text().split(" ", 1)
            found.setdefault(int(rest.rpartition(")")[2].split()[1]), []).append(int(own))
    below = found.get(pid, [])
    return below + [one for child in below for one in children(child)]


def memory(pid):
    """(bytes of the server's own process, of all below it)."""

    def resident(one):
        with contextlib.suppress(OSError, StopIteration, ProcessLookupError):
            lines = Path(f"/proc/{one}/status").read_text().splitlines()
            return 1024 * int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
        return 0

    return resident(pid), sum(map(resident, children(pid)))


def workers(pid):
    """Processes that answer for a model, not what watches over them."""
    return [one for one in children(pid) if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


async def soak(args):
    body, server = example(args.model, args.signature), ours(args.model, args.batch_wait)
    counts, wrong, samples, kills = Counter(), Counter(), [], 0
    bad = list(bad_requests(server.path, body))
    try:
        await server.wait()
        await load("keras_imgen", server, body, 8, 5)
        start, end = time.monotonic(), time.monotonic() + 60 * args.soak

        async def client(k):
            draw, connection, n = random.Random(k), await Connection.open(server.port), 0
            while time.monotonic() < end:
                n, what = n + 1, draw.random()
                if args.pause:
                    await asyncio.sleep(draw.expovariate(1 / args.pause))
                if what < 0.05:  # a client that leaves
                    leaver = await Connection.open(server.port)
                    with contextlib.suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(leaver.ask("POST", server.path, request("", body, n)), 0.002)
                    leaver.close()
                    counts["left"] += 1
                    continue
                method, path, text, right = ("POST", server.path, request("", body, 1000 * k + n), {200})
                if what < 0.4:
                    method, path, text, right = draw.choice(bad)
                try:
                    status, _ = await asyncio.wait_for(
                        connection.ask(method, path, text), 150
                    )  # the server says so after 120
                except (TimeoutError, OSError, EOFError) as error:
                    wrong[f"no answer: {type(error).__name__}"] += 1
                    connection = await Connection.open(server.port)
                    continue
                counts[status] += 1
                if status not in right:
                    wrong[f"{status} in place of {sorted(right)}"] += 1
            connection.close()

        async def watch():
            nonlocal kills
            last, answered = time.monotonic(), counts[200]
            while time.monotonic() < end:
                await asyncio.sleep(1)
                samples.append((time.monotonic() - start, *memory(server.process.pid)))
                if time.monotonic() - last > 30 and counts[200] > answered + 100:  # not one that is still on its way
                    for one in workers(server.process.pid):
                        os.kill(one, signal.SIGKILL)
                        kills += 1
                    last, answered = time.monotonic(), counts[200]

        await asyncio.gather(watch(), *(client(k) for k in range(8)))
    finally:
        server.stop()
    quarter = 15 * args.soak  # long enough for processes of all ages
    early, late = ([s for s in samples if a <= s[0] < a + quarter] for a in (quarter, 3 * quarter))
    own = [statistics.median(s[1] for s in part) for part in (early, late)]
    whole = [statistics.median(s[1] + s[2] for s in part) for part in (early, late)]
    growth = {"server": 100 * (own[1] / own[0] - 1), "all": 100 * (whole[1] / whole[0] - 1)}
    found = {
        "minutes": args.soak,
        "answers": {str(k): v for k, v in sorted(counts.items(), key=str)},
        "kills": kills,
        "growth_percent": growth,
        "server_mb": [round(v / 1e6, 1) for v in own],
        "all_mb": [round(v / 1e6, 1) for v in whole],
        "server_errors": sum(v for k, v in counts.items() if isinstance(k, int) and k >= 500),
        "lost": sum(v for k, v in wrong.items() if k.startswith("no answer")),
        "unexpected": dict(wrong),
    }
    for key, value in found.items():
        print(f"{key:<16}{value}")
    return found
