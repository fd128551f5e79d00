"""A SavedModel behind our server, a plain FastAPI handler and BentoML, asked on loopback: requests a second, and how long each takes.

    python -m benchmarks.serving MODEL [--signature NAME] [--clients 1,8,32] [--seconds 5] [--rounds 3] [--bentoml PYTHON]
    python -m benchmarks.serving MODEL --soak MINUTES [--pause SECONDS]

MODEL is a folder that `keras-imgen export` wrote; every client sends the request for one row that it carries, again and again, over one
connection, each time with another seed where the signature takes `seeds`. Each server is a process of its own, asked in turn, medians of
the rounds; the clients are a process besides. The plain handlers call the same signature for each request, in FastAPI's threads or, as
`async`, one after the other. BentoML is that of another Python, as it wants other versions of libraries (`pip install bentoml tensorflow`
there): a service with adaptive batching of at most 32 rows and one worker. The last line is one JSON object.

With --soak good requests, bad ones of ten kinds and clients that leave come from 8 clients, and the model's process is killed every 30 s,
but not before it has answered 100 requests. It says how much the memory of the server's processes grew from the second to the last quarter
of the time, how many answers were 5xx, and how many requests had no answer, or another one than was expected.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.loopback import HOST, Server, example, load, ours
from benchmarks.soak import soak
from benchmarks.systems import machine

NAIVE = """
import json, sys
import numpy as np, tensorflow as tf, uvicorn
from fastapi import FastAPI
path, name, how, port = sys.argv[1:]
model = tf.saved_model.load(path)
call, app = model.signatures[name], FastAPI()
specs = call.structured_input_signature[1]

def predict(body: dict):
    given = {k: tf.constant(v, specs[k].dtype) for k, v in body["inputs"].items()}
    return {"outputs": {k: v.numpy().tolist() for k, v in call(**given).items()}}

async def in_turn(body: dict):
    return predict(body)

app.post("/predict")(in_turn if how == "async" else predict)

@app.get("/readyz")
def ready():
    return {}

uvicorn.run(app, host="127.0.0.1", port=int(port), access_log=False, log_level="error")
"""
BENTO = """
import os
import bentoml, numpy as np, tensorflow as tf

@bentoml.service(workers=1, traffic={"timeout": 120, "max_concurrency": 1000}, metrics={"enabled": False})
class Served:
    def __init__(self):
        self.model = tf.saved_model.load(os.environ["MODEL"])
        self.call = self.model.signatures[os.environ["SIGNATURE"]]
        self.specs = self.call.structured_input_signature[1]

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=60000)
    def predict(self, rows: list[dict]) -> list[dict]:
        given = {k: tf.constant([row[k] for row in rows], spec.dtype) for k, spec in self.specs.items()}
        found = {k: v.numpy().tolist() for k, v in self.call(**given).items()}
        return [{k: v[i] for k, v in found.items()} for i in range(len(rows))]
"""


def naive(model, signature, how):
    return Server([sys.executable, "-c", NAIVE, model, signature, how, "PORT"], "/predict")


def bento(model, signature, python, folder):
    Path(folder, "service.py").write_text(BENTO)
    words = [
        python,
        "-m",
        "bentoml",
        "serve",
        "service:Served",
        "--working-dir",
        folder,
        "--host",
        HOST,
        "--port",
        "PORT",
    ]
    told = {"MODEL": str(Path(model).resolve()), "SIGNATURE": signature, "BENTOML_DO_NOT_TRACK": "1"}
    return Server(words, "/predict", environment=told)


async def compare(args):
    body = example(args.model, args.signature)
    with tempfile.TemporaryDirectory() as folder:
        servers = {
            "keras_imgen": ours(args.model, args.batch_wait),
            "plain FastAPI": naive(args.model, args.signature, "threads"),
            "plain FastAPI, async": naive(args.model, args.signature, "async"),
        }
        if args.bentoml:
            servers["BentoML"] = bento(args.model, args.signature, args.bentoml, folder)
        try:
            for kind, server in servers.items():
                await server.wait()
                for clients in args.clients:  # every size of a batch is traced once
                    await load(kind, server, body, clients, min(args.seconds, 3))
            found = {}
            for clients in args.clients:
                for k in range(args.rounds):
                    for kind in list(servers)[:: 1 if k % 2 else -1]:
                        latencies, took = await load(kind, servers[kind], body, clients, args.seconds)
                        found.setdefault((clients, kind), []).append((len(latencies) / took, *percentiles(latencies)))
        finally:
            for server in servers.values():
                server.stop()
    rows = []
    print(f"{'clients':<9}{'system':<22}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'speed':>7}")
    for (clients, kind), values in found.items():
        rate, p50, p99 = (statistics.median(column) for column in zip(*values))
        rows.append({"clients": clients, "system": kind, "per_second": rate, "p50_ms": p50, "p99_ms": p99})
    for row in rows:
        plain = next(r for r in rows if r["clients"] == row["clients"] and r["system"] == "plain FastAPI")
        row["speed"] = row["per_second"] / plain["per_second"]
        print(
            f"{row['clients']:<9}{row['system']:<22}{row['per_second']:>12.1f}{row['p50_ms']:>9.1f}{row['p99_ms']:>9.1f}{row['speed']:>7.2f}"
        )
    return {"rows": rows, "rounds": args.rounds, "seconds": args.seconds}


def percentiles(latencies):
    cuts = statistics.quantiles(latencies, n=100, method="inclusive") if len(latencies) > 1 else latencies * 99
    return 1000 * cuts[49], 1000 * cuts[98]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="an export")
    parser.add_argument("--signature", default="serving_default")
    parser.add_argument("--clients", type=lambda text: [int(n) for n in text.split(",")], default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-wait", type=float, default=5.0)
    parser.add_argument("--bentoml", help="a Python that has bentoml and tensorflow")
    parser.add_argument("--soak", type=float, help="minutes")
    parser.add_argument(
        "--pause", type=float, default=0.0, help="of --soak: seconds between a client's requests, in the mean"
    )
    args = parser.parse_args()
    where = machine()
    found = asyncio.run(soak(args) if args.soak else compare(args))
    name = Path(args.model).resolve().name
    print(json.dumps({"benchmark": "serving", "model": name, "signature": args.signature, **found, **where}))


if __name__ == "__main__":
    main()
