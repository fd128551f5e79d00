"""Functions of the host inside tf.data pipelines: what they raise comes out of `fit` as it was raised, not as TensorFlow's trace of it."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_raised: list[Exception] = []


def of_host(function: Callable) -> Callable:
    """For `tf.numpy_function`: remembers what the function raises, for `raised_as_is`."""

    @functools.wraps(function)
    def call(*arrays):
        try:
            return function(*arrays)
        except Exception as error:
            _raised.append(error)
            raise

    return call


@contextmanager
def raised_as_is() -> Iterator[None]:
    """Inside, an error of TensorFlow that a function of the host has caused is raised as that function raised it."""
    _raised.clear()
    try:
        yield
    except Exception as error:
        if _raised and type(error).__module__.startswith("tensorflow"):
            raise _raised[0] from None
        raise
    finally:
        _raised.clear()
