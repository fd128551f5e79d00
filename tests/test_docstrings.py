"""The public interface: every function, class and method says what it takes and gives, in types and in words."""

import inspect
import re
import subprocess
import sys
from importlib import import_module
from operator import attrgetter
from pkgutil import walk_packages

import pytest

import keras_imgen.models


def below(package: str) -> list[str]:
    """A package of keras_imgen and every module in it."""
    path = import_module(f"keras_imgen.{package}").__path__
    return [package, *(m.name.removeprefix("keras_imgen.") for m in walk_packages(path, f"keras_imgen.{package}."))]


ROOMS = (  # packages by what their `__all__` names, modules by the public names that they define
    "callbacks",
    "conditions",
    "data",
    "editing",
    "kinds",
    "layers",
    "losses",
    "losses.terms",
    "metrics",
    "networks",
    "sampling.guidance",
    "sampling.options",
    "sampling.samplers",
    "sampling.schedules",
    "training",
    *(
        name
        for package in ("commands", "inference", "models", "recipes", "server", "serving")
        for name in below(package)
        if not name.endswith("_command")  # whose options have their help
    ),
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


def named(name: str, scopes: tuple):
    """What a docstring means by a name: found in the first of the class, its module, the package and the models that has it."""
    for scope in (*scopes, keras_imgen, keras_imgen.models):
        try:
            return attrgetter(name)(scope)
        except AttributeError:
            continue
    raise AssertionError(f"There is no {name!r} to see.")


def listed(doc: str, scopes: tuple = ()) -> list[str]:
    """The arguments that have a line of their own under "Args:", here or where it says "others: see `name`"."""
    section = re.search(r"^Args:\n((?: +.*\n?|\n)*)", doc, re.M)
    own = re.findall(r"^ {4}\*{0,2}(\w+): ", section[1], re.M) if section else []
    elsewhere = re.search(r"^ {4}others: see ((?:`[\w.]+`(?:, | and )?)+)", section[1], re.M) if section else None
    if elsewhere:
        for place in re.findall(r"`([\w.]+)`", elsewhere[1]):
            own += listed(inspect.getdoc(named(place, scopes)), scopes)
    return own


def faults(function, doc: str, bound: bool = False, inherited: bool = False, scopes: tuple = ()) -> list[str]:
    """What a function lacks.

    Args:
        function: as it was defined.
        doc: its docstring; of what makes an object, the class's.
        bound: whether it takes an object or a class first.
        inherited: whether a base class has described it.
        scopes: where names that the docstring refers to are looked for.
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
        found += [f"no line on {p.name} under Args" for p in arguments if p.name not in listed(doc, scopes)]
    return found


def mixed_with(cls) -> tuple:
    """The bases beside a class that is a part of `ImageModel`: what it does differently Keras has described."""
    from keras_imgen.models import ImageModel

    return ImageModel.__mro__[ImageModel.__mro__.index(cls) + 1 :] if cls in ImageModel.__bases__ else ()


def faults_of_class(cls, module) -> list[str]:
    doc = described(cls, module) if vars(cls).get("__doc__") else ""
    found = [] if doc else ["no docstring"]
    for name, value in vars(cls).items():
        static = isinstance(value, staticmethod) and name != "__new__"
        value = getattr(value, "fget", None) or getattr(value, "func", None) or getattr(value, "__func__", value)
        if (
            not inspect.isfunction(value)
            or value.__module__ == "enum"
            or name not in MAKERS
            and (name.startswith("_") or value.__module__ != cls.__module__)
        ):
            continue
        own = doc if name in MAKERS else inspect.getdoc(value) or ""
        inherited = name not in MAKERS and any(hasattr(base, name) for base in (*cls.__mro__[1:], *mixed_with(cls)))
        found += [f"{name}: {fault}" for fault in faults(value, own, not static, inherited, (cls, module))]
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_what_is_public_is_typed_and_described(room):
    found = {}
    for name, value in members(import_module(f"keras_imgen.{room}")):
        module = sys.modules[value.__module__]
        if inspect.isclass(value):
            which = faults_of_class(value, module)
        else:
            which = faults(value, described(value, module), scopes=(module,))
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


class Borrower:
    def of(self, x: int, y: int, z: int) -> int:
        """Something.

        Args:
            y: has a line.
            others: see `lend`.
        """

    def lend(self, x: int) -> int:
        """Something.

        Args:
            x: has a line.
        """

    def lost(self, x: int) -> int:
        """Something.

        Args:
            others: see `nowhere`.
        """


def test_lines_are_borrowed():
    module = sys.modules[__name__]
    assert faults(Borrower.of, inspect.getdoc(Borrower.of), True, scopes=(Borrower, module)) == [
        "no line on z under Args"
    ]
    with pytest.raises(AssertionError, match="nowhere"):
        faults(Borrower.lost, inspect.getdoc(Borrower.lost), True, scopes=(Borrower, module))


def test_importing_is_light():
    heavy = "keras", "tensorflow", "jax", "numpy", "PIL", "matplotlib", "sklearn", "cv2"
    program = f"import sys, keras_imgen; sys.exit(', '.join(set({heavy}) & set(sys.modules)) or None)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
