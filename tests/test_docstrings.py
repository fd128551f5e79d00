"""The public interface: every function, class and method says what it takes and gives, in types and in words."""

import inspect
import re
import subprocess
import sys
from importlib import import_module

import pytest

import keras_imgen

ROOMS = (  # packages by what their `__all__` names, modules by the public names that they define
    "callbacks",
    "conditions",
    "data",
    "editing",
    "inference.restorer",
    "inference.tiling",
    "layers",
    "losses",
    "metrics",
    "networks",
    "sampling.guidance",
    "sampling.samplers",
    "sampling.schedules",
    "training",
)


MAKERS = "__init__", "__new__"  # their arguments are described by the class


def members(module):
    """(name, function or class) of all that a module offers, and the modules in it."""
    own = [
        k for k, v in vars(module).items() if not k.startswith("_") and getattr(v, "__module__", "") == module.__name__
    ]
    for name in getattr(module, "__all__", own):
        value = getattr(module, name)
        if inspect.ismodule(value):
            yield from members(value)
        elif inspect.isclass(value) or inspect.isfunction(value):
            yield f"{module.__name__}.{name}", value


def described(value, module) -> str:
    """Its docstring, or that of the one in the same module that it refers to as "See `name`."."""
    doc = inspect.getdoc(value) or ""
    elsewhere = re.fullmatch(r"See `(\w+)`\.", doc)
    return inspect.getdoc(getattr(module, elsewhere[1])) if elsewhere else doc


def listed(doc: str) -> list[str]:
    """The arguments that have a line of their own under "Args:"."""
    section = re.search(r"^Args:\n((?: +.*\n?|\n)*)", doc, re.M)
    return re.findall(r"^ {4}\*{0,2}(\w+): ", section[1], re.M) if section else []


def faults(function, doc: str, bound: bool = False, inherited: bool = False) -> list[str]:
    """What a function lacks.

    Args:
        function: as it was defined.
        doc: its docstring; of what makes an object, the class's.
        bound: whether it takes an object or a class first.
        inherited: whether a base class has described it.
    """
    signature = inspect.signature(function)
    arguments = [*signature.parameters.values()][bound:]
    found = [f"no type of {p.name}" for p in arguments if p.annotation is p.empty]
    arguments = [p for p in arguments if p.kind is not p.VAR_KEYWORD]
    if function.__name__ not in MAKERS and signature.return_annotation is signature.empty:
        found.append("no type of what it returns")
    if not doc and not inherited:
        found.append("no docstring")
    if "Args:\n" in doc or len(arguments) > 2 and not inherited:
        found += [f"no line on {p.name} under Args" for p in arguments if p.name not in listed(doc)]
    return found


def faults_of_class(cls, module) -> list[str]:
    doc = described(cls, module) if vars(cls).get("__doc__") else ""
    found = [] if doc else ["no docstring"]
    for name, value in vars(cls).items():
        static = isinstance(value, staticmethod) and name != "__new__"
        value = getattr(value, "fget", None) or getattr(value, "func", None) or getattr(value, "__func__", value)
        if (
            not inspect.isfunction(value)
            or name not in MAKERS
            and (name.startswith("_") or value.__module__ != cls.__module__)
        ):
            continue
        own = doc if name in MAKERS else inspect.getdoc(value) or ""
        inherited = name not in MAKERS and any(hasattr(base, name) for base in cls.__mro__[1:])
        found += [f"{name}: {fault}" for fault in faults(value, own, not static, inherited)]
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_what_is_public_is_typed_and_described(room):
    found = {}
    for name, value in members(import_module(f"keras_imgen.{room}")):
        module = sys.modules[value.__module__]
        which = faults_of_class(value, module) if inspect.isclass(value) else faults(value, described(value, module))
        if which:
            found[name] = which
    assert not found


def test_loading_is_typed_and_described():
    assert not faults(keras_imgen.load_model, inspect.getdoc(keras_imgen.load_model))


class Bad:
    def __init__(self, a: int, b: int, c: int):
        pass

    def of(self, x, y: int, z: int):
        pass

    def told(self, x: int) -> int:
        """Something.

        Args:
            x, y: two on a line.
        """


def test_faults_are_found():
    assert faults_of_class(Bad, sys.modules[__name__]) == [
        "no docstring",
        "__init__: no docstring",
        *(f"__init__: no line on {name} under Args" for name in "abc"),
        "of: no type of x",
        "of: no type of what it returns",
        "of: no docstring",
        "of: no line on x under Args",
        "of: no line on y under Args",
        "of: no line on z under Args",
        "told: no line on x under Args",
    ]


def test_importing_is_light():
    heavy = "keras", "tensorflow", "jax", "numpy", "PIL", "matplotlib", "sklearn", "cv2"
    program = f"import sys, keras_imgen; sys.exit(', '.join(set({heavy}) & set(sys.modules)) or None)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
