"""How rows are cut into batches and put together again."""

import threading

import numpy as np
import pytest

from keras_imgen.inference.requests import batched, one_compiles


@pytest.mark.parametrize("streams", (1, 2, 3))
@pytest.mark.parametrize("count", (1, 2, 5, 8, 9))
def test_rows_keep_their_order_and_no_batch_is_too_large(count, streams):
    sizes = []

    def function(a, b):
        sizes.append(len(a))
        return a * b

    a = np.arange(count)
    np.testing.assert_array_equal(batched(function, [a, a + 1], 4, streams), a * (a + 1))
    assert max(sizes) * min(streams, len(sizes)) <= max(4, streams)
    assert streams == 1 or len(set(sizes)) == 1


def test_no_rows_and_no_batch():
    assert batched(lambda a: a, [np.zeros(0)], 4, 2) is None
    with pytest.raises(ValueError, match="batch_size"):
        batched(lambda a: a, [np.zeros(3)], 0)


def test_streams_run_beside_each_other():
    both = threading.Barrier(2, timeout=20)  # broken, and the test fails, if one waits for the other
    made = batched(lambda a: (both.wait(), a)[1], [np.arange(4)], 2, streams=2)
    np.testing.assert_array_equal(made, np.arange(4))


def test_an_error_in_a_stream_is_raised():
    with pytest.raises(ZeroDivisionError):
        batched(lambda a: 1 // 0, [np.arange(4)], 1, streams=2)


def test_new_shapes_wait_for_each_other():
    inside, most, lock = 0, 0, threading.Lock()

    def function(a):
        nonlocal inside, most
        with lock:
            inside, most = inside + 1, max(most, inside + 1)
        threading.Event().wait(0.05)
        with lock:
            inside -= 1
        return a

    compiled = one_compiles(function)
    batched(compiled, [np.arange(2)], 2, streams=2)
    assert most == 1
    batched(compiled, [np.arange(6)], 2, streams=3)
    assert most > 1
