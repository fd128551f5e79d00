"""The rooms of the package: what imports what, also inside functions."""

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# From low to high: a room imports itself and what is below it.
ROOMS = """libraries arguments bicubic quiet lean cores metric_names run_folder kinds named_parts conditions text training data run_log
inference sampling layers networks losses models loading keras_imgen metrics callbacks
editing serving server recipes commands cli""".split()
BACKENDS = {"tensorflow", "jax", "torch"}
ROOMS_OF_A_BACKEND = {"training", "data", "serving"}
EXPORT = (
    "models.answering",
    "serving.export",
)  # `ImageModel.export`, so that a model is the one thing that a user has to know


def modules():
    """Syntax trees by name, without the package's own: "" is its `__init__`."""
    found = {}
    for path in sorted((ROOT / "keras_imgen").rglob("*.py")):
        parts = path.relative_to(ROOT / "keras_imgen").with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text())
    return found


MODULES = modules()


def imported(tree):
    """Full names of what a module imports, anywhere in it; of `from a import b` it is a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows():
    """Of every module the modules of the package that it imports."""
    found = defaultdict(set)
    for name, tree in MODULES.items():
        for target in imported(tree):
            if target.split(".")[0] == "keras_imgen":
                inner = target.removeprefix("keras_imgen").removeprefix(".")
                found[name].add(inner if inner in MODULES else inner.rpartition(".")[0])
        found[name].discard(name)
    return found


ARROWS = arrows()


def room(name):
    return name.split(".")[0] or "keras_imgen"


def test_every_module_has_a_room():
    assert {room(name) for name in MODULES} == set(ROOMS)
    assert all(target in MODULES for targets in ARROWS.values() for target in targets)


def test_there_is_no_circle():
    try:
        TopologicalSorter(ARROWS).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_no_arrow_points_upwards():
    """One does: a model exports itself."""
    up = [
        f"{name} -> {target}"
        for name, targets in ARROWS.items()
        for target in sorted(targets)
        if ROOMS.index(room(target)) > ROOMS.index(room(name)) and (name, target) != EXPORT
    ]
    assert not up, "\n".join(up)


def test_the_arrow_upwards_is_inside_export():
    """Not when the module is read: a server of models need not read what trains, nor a trainer what serves."""
    (export,) = (n for n in ast.walk(MODULES[EXPORT[0]]) if isinstance(n, ast.FunctionDef) and n.name == "export")
    inside, everywhere = (
        [name for name in imported(tree) if name.startswith("keras_imgen.serving")]
        for tree in (export, MODULES[EXPORT[0]])
    )
    assert inside and inside == everywhere


def test_backends_are_named_in_three_rooms():
    found = [
        f"{name} imports {target}"
        for name, tree in MODULES.items()
        for target in imported(tree)
        if target.split(".")[0] in BACKENDS and room(name) not in ROOMS_OF_A_BACKEND
    ]
    assert not found, "\n".join(found)


def test_no_two_classes_are_registered_by_one_name():
    """Keras knows them by package and name: of two of one name the one that is read last would be made of both one's files."""
    places = defaultdict(list)
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any(
                "register_keras_serializable" in ast.unparse(d) for d in node.decorator_list
            ):
                places[node.name].append(name)
    assert len(places) > 50
    assert not {name: where for name, where in places.items() if len(where) > 1}
