"""The Dockerfile and the manifests of an export: of the form that Docker, Kubernetes and KServe document, and of its own layout."""

import re

import pytest

from keras_imgen.serving.deployment import deployment
from keras_imgen.serving.signatures import Signature, Tensor

yaml = pytest.importorskip("yaml", reason="needs PyYAML: pip install pyyaml")
ROWS = Signature("serving_default", {"seeds": Tensor("seeds", "int32", (None,))}, {})
SHARED = Signature("sample", {"table": Tensor("table", "float32", (None, 10), False)}, {})
GRPC, REST = (
    8500,
    8501,
)  # of the stock image's entry point, which takes the model from MODEL_BASE_PATH, by default /models
# https://kserve.github.io/website/docs/reference/crd-api: InferenceService, PredictorSpec, ModelSpec, whose container is part of it.
MODEL = {
    "modelFormat",
    "protocolVersion",
    "runtime",
    "storageUri",
    "storage",
    "image",
    "args",
    "env",
    "resources",
    "ports",
}
PROTOCOLS = {"v1", "v2", "grpc-v1", "grpc-v2"}
NAMES = ["drawn", "Faces_64.b", "A" * 80, "9-_"]


@pytest.fixture(params=[(name, whole) for name in NAMES for whole in (True, False)], ids=str)
def texts(request):
    name, whole = request.param
    signatures = {one.name: one for one in ([ROWS] if whole else [ROWS, SHARED])}
    return name, whole, deployment(name, 3, signatures)


def test_the_docker_file_puts_the_version_where_the_entry_point_looks(texts):
    dockerfile = pytest.importorskip("dockerfile", reason="needs a parser of Docker's: pip install dockerfile")
    name, whole, found = texts
    lines = {one.cmd.upper(): one for one in dockerfile.parse_string(found["Dockerfile"])}
    assert list(lines) == ["FROM", "ENV", "COPY", *(["CMD"] if whole else [])]
    assert lines["FROM"].value == ("tensorflow/serving",) and lines["ENV"].value[:2] == ("MODEL_NAME", name)
    assert lines["COPY"].value == (".", f"/models/{name}/3")
    if whole:  # words for the entry point, not for a shell
        assert lines["CMD"].json and lines["CMD"].value == (
            "--enable_batching=true",
            f"--batching_parameters_file=/models/{name}/3/assets.extra/batching_parameters.txt",
        )
    command = re.search(
        r"docker build -f (\S+) -t (\S+) \. && docker run -p (\d+):\3 -p (\d+):\4 \2$", found["Dockerfile"], re.M
    )
    assert command[1] == "assets.extra/Dockerfile" and (int(command[3]), int(command[4])) == (GRPC, REST)
    assert re.fullmatch(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*", command[2])  # as Docker wants names of images


def test_kubernetes_takes_the_deployment_and_its_service(texts):
    validate = pytest.importorskip(
        "kubernetes_validate", reason="needs Kubernetes' schemas: pip install kubernetes-validate"
    )
    for one in yaml.safe_load_all(texts[2]["kubernetes.yaml"]):
        validate.validate(one, "1.30", strict=True)


def test_what_kubernetes_does_not_know_would_be_seen():
    validate = pytest.importorskip(
        "kubernetes_validate", reason="needs Kubernetes' schemas: pip install kubernetes-validate"
    )
    made = next(yaml.safe_load_all(deployment("drawn", 3, {"serving_default": ROWS})["kubernetes.yaml"]))
    for part in (made, made["spec"], made["spec"]["template"]["spec"]["containers"][0]):
        part["replica"] = 1
        with pytest.raises(validate.ValidationError):
            validate.validate(made, "1.30", strict=True)
        del part["replica"]


def test_the_deployment_serves_what_the_volume_holds(texts):
    name, whole, found = texts
    made, service = yaml.safe_load_all(found["kubernetes.yaml"])
    assert (made["apiVersion"], made["kind"], service["apiVersion"], service["kind"]) == (
        "apps/v1",
        "Deployment",
        "v1",
        "Service",
    )
    label, pod = made["metadata"]["name"], made["spec"]["template"]
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", label)  # RFC 1035, as names of services have to be
    assert pod["metadata"]["labels"] == made["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    (one,) = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in one["ports"]}
    assert ports == {port["name"]: port["port"] for port in service["spec"]["ports"]} == {"grpc": GRPC, "rest": REST}
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in one["args"])
    assert flags.pop("model_name") == name and flags.pop("model_base_path") == f"/models/{name}"
    wanted = {
        "enable_batching": "true",
        "batching_parameters_file": f"/models/{name}/3/assets.extra/batching_parameters.txt",
    }
    assert flags == (wanted if whole else {})
    probe = one["readinessProbe"]["httpGet"]
    assert probe == {"path": f"/v1/models/{name}", "port": "rest"}
    ((mount,), (volume,)) = one["volumeMounts"], pod["spec"]["volumes"]
    assert mount["mountPath"] == "/models" and mount["readOnly"] and mount["name"] == volume["name"]
    assert volume["persistentVolumeClaim"]["claimName"] == label == service["metadata"]["name"]


def test_kserve_finds_the_versions_in_the_claim(texts):
    name, _, found = texts
    made = yaml.safe_load(found["kserve.yaml"])
    assert (made["apiVersion"], made["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert set(made) == {"apiVersion", "kind", "metadata", "spec"} and set(made["spec"]) == {"predictor"}
    assert set(made["spec"]["predictor"]) == {"model"}
    model, label = made["spec"]["predictor"]["model"], made["metadata"]["name"]
    assert {"modelFormat", "storageUri"} <= set(model) <= MODEL
    assert model["modelFormat"] == {"name": "tensorflow"} and model["protocolVersion"] in PROTOCOLS
    assert model["image"] == "tensorflow/serving" and set(model["resources"]) == {"requests", "limits"}
    assert model["storageUri"] == f"pvc://{label}/{name}"  # pvc://CLAIM/PATH; versions are folders in it
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", label) and len(label) <= 63  # as KServe checks names


@pytest.mark.tensorflow
def test_paths_are_those_of_a_real_export(exports):
    for model in ("drawn", "restored"):
        folder = exports / model
        (line,) = [
            one for one in (folder / "assets.extra" / "Dockerfile").read_text().splitlines() if one.startswith("COPY")
        ]
        assert line.split()[1:] == [".", f"/models/{model}/1"]
        for named in (
            "saved_model.pb",
            "variables",
            "assets.extra/batching_parameters.txt",
            "assets.extra/tf_serving_warmup_requests",
        ):
            assert (folder / named).exists(), named
