# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Serving
#
# A small model is exported, a server started, and asked as programs ask TensorFlow Serving. Then a second version takes its place while
# clients ask.

# %%
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np

from keras_imgen import data, models, networks, serving
from keras_imgen.data.image_io import make_grid

EPOCHS = int(os.environ.get("EPOCHS", 20))  # seconds each; 1 is enough to see that it runs
FOLDER = Path(tempfile.mkdtemp()) / "models"


def show(images, title):
    plt.figure(figsize=(7, 0.9 * -(-len(images) // 10)))
    plt.imshow(make_grid(np.asarray(images, "uint8"), columns=10).squeeze(), cmap="gray", vmin=0, vmax=255)
    plt.axis("off")
    plt.title(title)
    plt.show()


# %% [markdown]
# ## An export
#
# Servers look for numbered versions: `NAME/1`, `NAME/2`, .... In a shell: `keras-imgen export MODEL.keras models/digits --version 1`.

# %%
keras.utils.set_random_seed(0)
model = models.VAE(
    networks.conv_encoder((16, 16, 1), 2 * 8, num_classes=10),
    networks.conv_decoder((16, 16, 1), 8, factor=1, num_classes=10),
    num_classes=10,
    ema=0.99,
)
model.compile(keras.optimizers.Adam(2e-3))
digits = data.load("digits", size=16, batch=64)
model.fit(digits, epochs=EPOCHS, verbose=0)
model.export(str(FOLDER / "digits" / "1"))
carried = FOLDER / "digits" / "1" / "assets.extra"
print(*sorted(str(path.relative_to(carried)) for path in carried.rglob("*") if path.is_file()), sep="\n")

# %% [markdown]
# It carries a request for everything that it can be asked, so that nobody has to guess the JSON; the same requests for TensorFlow Serving
# to warm up with; and what Docker and Kubernetes want to run it with the stock image.

# %%
print((carried / "examples" / "generate.sh").read_text())
print((carried / "examples" / "generate.json").read_text())
print((carried / "Dockerfile").read_text())

# %% [markdown]
# ## A server
#
# `keras-imgen serve models` in a shell. It listens on this machine alone; port 0 is a free one.

# %%
command = [sys.executable, "-c", "from keras_imgen.cli import main; main()", "serve", str(FOLDER), "--port", "0"]
server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
said = next(line for line in server.stdout if line.startswith("Serving"))
address = next(word for word in said.split() if word.startswith("http")).rstrip(";")
print(said.split(" at ")[0])


def ask(path, body=None):
    text = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{address}{path}", text), timeout=60) as answer:
        return json.load(answer)


# %% [markdown]
# ## TensorFlow Serving's REST API
#
# In rows, `instances`, or in columns, `inputs`. Every picture has a seed of its own, so it can be made again alone.

# %%
print(ask("/v1/models/digits"))
rows = [{"seeds": seed, "labels": seed % 10} for seed in range(20)]
images = np.array(ask("/v1/models/digits:predict", {"instances": rows})["predictions"], "uint8")
columns = {"seeds": list(range(20)), "labels": [seed % 10 for seed in range(20)]}
again = ask("/v1/models/digits:predict", {"signature_name": "generate", "inputs": columns})["outputs"]
print("columns answer as rows do:", (np.array(again) == images).all())
show(images, "by REST")

# %% [markdown]
# A request of another form is answered with one of the right form.

# %%
try:
    ask("/v1/models/digits:predict", {"instances": [{"seed": 1}]})
except urllib.error.HTTPError as error:
    print(error.code, json.load(error)["error"])

# %% [markdown]
# ## From Python
#
# The client opens the same folder without a server, and has the model's own methods: the same pictures, to the bit.

# %%
served = serving.load(str(FOLDER / "digits" / "1"))
print("the client:", (served.generate(labels=columns["labels"], seed=0) == images).all())
print("the model: ", (model.generate(labels=columns["labels"], seed=0) == images).all())

# %% [markdown]
# ## Many at once
#
# Rows of requests that come together are answered together. `/metrics` counts for Prometheus.

# %%
with ThreadPoolExecutor(16) as pool:
    begun = time.time()
    bodies = [{"instances": [{"seeds": k, "labels": 3}]} for k in range(200)]
    answers = list(pool.map(lambda body: ask("/v1/models/digits:predict", body), bodies))
    print(f"{len(answers) / (time.time() - begun):.0f} requests a second")
with urllib.request.urlopen(f"{address}/metrics") as answer:
    print(
        *[
            line
            for line in answer.read().decode().splitlines()
            if "batch" in line and ("_sum" in line or "_count" in line)
        ],
        sep="\n",
    )

# %% [markdown]
# ## A second version
#
# It is loaded when its files are whole, and then answers; nobody has to wait. `/v1/models/digits/versions/1` is the older one, where
# `--versions 2` keeps it.

# %%
model.fit(digits, epochs=max(1, EPOCHS // 2), verbose=0)
model.export(str(FOLDER / "digits" / "2"))
while ask("/v1/models/digits")["model_version_status"][0]["version"] != "2":
    ask("/v1/models/digits:predict", {"instances": rows[:1]})
    time.sleep(0.5)
images = ask("/v1/models/digits:predict", {"instances": rows})["predictions"]
show(images, "version 2")

# %% [markdown]
# It ends when it has answered what it was asked.

# %%
server.send_signal(signal.SIGTERM)
print("ended with", server.wait(60))
