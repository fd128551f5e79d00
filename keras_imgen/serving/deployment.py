"""How TensorFlow Serving, Docker and Kubernetes are told of an export: texts for the stock image."""

import json
import re
from collections.abc import Mapping

from keras_imgen.serving.signatures import Signature

BATCH, WAIT, QUEUE = 32, 5000, 16  # rows, microseconds, batches: as the server of this package
IMAGE = "tensorflow/serving"


def deployment(name: str, version: int, signatures: Mapping[str, Signature]) -> dict[str, str]:
    """Texts by the names of files: batching, an image of Docker, and manifests of Kubernetes and KServe.

    Args:
        name: of the model.
        version: its number.
        signatures: of the export.
    """
    alone = [one.name for one in signatures.values() if not _in_batches(one)]
    together = [one.name for one in signatures.values() if _in_batches(one)]
    flags = []
    if not alone:
        batching = f"/models/{name}/{version}/assets.extra/batching_parameters.txt"
        flags = ["--enable_batching=true", f"--batching_parameters_file={batching}"]
    told = {"name": name, "version": version, "image": IMAGE, "label": _label(name)}
    told |= {"together": ", ".join(together) or "none", "alone": ", ".join(alone) or "none"}
    told |= {"size": BATCH, "wait": WAIT, "queue": QUEUE, "command": f"\nCMD {json.dumps(flags)}" if flags else ""}
    told |= {"arguments": json.dumps([f"--model_name={name}", f"--model_base_path=/models/{name}", *flags])}
    return {file: text.format(**told) for file, text in _TEXTS.items()}


def _in_batches(signature):
    """Whether TensorFlow Serving can put rows of several requests together: every tensor has rows, of one size."""
    return all(t.rows and None not in t.shape[1:] for t in signature.inputs.values())


def _label(name):
    """As Kubernetes wants names."""
    return re.sub(r"[^a-z0-9-]+", "-", f"{'' if name[:1].isalpha() else 'model-'}{name}".lower())[:50].strip("-")


_TEXTS = {
    "batching_parameters.txt": """\
# For tensorflow_model_server --enable_batching=true --batching_parameters_file=THIS.
# With it TensorFlow Serving puts rows of several requests together in: {together}.
# It then refuses those that take a tensor for all rows, and pictures of several sizes at once: {alone}.
max_batch_size {{ value: {size} }}
batch_timeout_micros {{ value: {wait} }}
max_enqueued_batches {{ value: {queue} }}
num_batch_threads {{ value: 2 }}
""",
    "Dockerfile": """\
# In the folder of this version: docker build -f assets.extra/Dockerfile -t {label} . && docker run -p 8500:8500 -p 8501:8501 {label}
FROM {image}
ENV MODEL_NAME={name}
COPY . /models/{name}/{version}{command}
""",
    "kubernetes.yaml": """\
# A volume claim named {label} holds the folder {name}, with numbered versions in it.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: "{label}"
spec:
  replicas: 1
  selector:
    matchLabels: {{app: "{label}"}}
  template:
    metadata:
      labels: {{app: "{label}"}}
    spec:
      containers:
        - name: serving
          image: {image}
          args: {arguments}
          ports:
            - {{name: grpc, containerPort: 8500}}
            - {{name: rest, containerPort: 8501}}
          readinessProbe:
            httpGet: {{path: /v1/models/{name}, port: rest}}
          resources:
            requests: {{cpu: "1", memory: 1Gi}}
            limits: {{memory: 4Gi}}
          securityContext:
            allowPrivilegeEscalation: false
          volumeMounts:
            - {{name: models, mountPath: /models, readOnly: true}}
      volumes:
        - name: models
          persistentVolumeClaim: {{claimName: "{label}", readOnly: true}}
---
apiVersion: v1
kind: Service
metadata:
  name: "{label}"
spec:
  selector: {{app: "{label}"}}
  ports:
    - {{name: grpc, port: 8500}}
    - {{name: rest, port: 8501}}
""",
    "kserve.yaml": """\
# A volume claim named {label} holds the folder {name}, with numbered versions in it; other places are storageUri: s3://..., gs://....
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: "{label}"
spec:
  predictor:
    model:
      modelFormat: {{name: tensorflow}}
      protocolVersion: v1
      image: {image}
      storageUri: pvc://{label}/{name}
      resources:
        requests: {{cpu: "1", memory: 1Gi}}
        limits: {{memory: 4Gi}}
""",
}
