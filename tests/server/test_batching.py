"""What is answered together, and what is not."""

import asyncio

import numpy as np
import pytest

from keras_imgen.server.batching import Batcher, Batching
from keras_imgen.server.errors import Busy, Invalid
from keras_imgen.server.worker import WorkerDied


def rows(*values):
    return {"x": np.array(values, "float32")}


def played(run, work, **how):
    async def main():
        batcher = Batcher(run, Batching(**how))
        batcher.start()
        try:
            return await work(batcher)
        finally:
            batcher.stop()

    return asyncio.run(main())


class Doubler:
    def __init__(self, seconds=0.0):
        self.batches, self.seconds = [], seconds

    async def __call__(self, signature, tensors):
        self.batches.append(len(tensors["x"]))
        await asyncio.sleep(self.seconds)
        if (tensors["x"] < 0).any():
            raise Invalid("negative")
        return {"y": 2 * tensors["x"] * tensors.get("by", 1)}


def test_rows_of_many_requests_are_one_batch_and_come_back_to_their_own():
    run = Doubler()
    ask = lambda b: asyncio.gather(*(b.answer("s", rows(k, k + 0.5), {}) for k in range(4)))  # noqa: E731
    found = played(run, ask, size=8, wait=0.05)
    assert run.batches == [8]
    np.testing.assert_array_equal([one["y"] for one in found], [[2 * k, 2 * k + 1] for k in range(4)])


def test_a_large_request_is_several_batches():
    run = Doubler()
    found = played(run, lambda b: b.answer("s", rows(*range(10)), {}), size=4, wait=0)
    assert run.batches == [4, 4, 2]
    np.testing.assert_array_equal(found["y"], 2 * np.arange(10))


def test_other_constants_shapes_and_signatures_are_other_batches():
    run, by = Doubler(), lambda k: {"by": np.array(k, "float32")}

    def ask(b):
        wide = {"x": np.ones((1, 2), "float32")}
        every = [
            ("s", rows(1), by(1)),
            ("s", rows(1), by(2)),
            ("s", wide, by(1)),
            ("t", rows(1), by(1)),
            ("s", rows(3), by(1)),
        ]
        return asyncio.gather(*(b.answer(*one) for one in every))

    found = played(run, ask, size=8, wait=0.02)
    assert run.batches == [2, 1, 1, 1]
    assert [one["y"].reshape(-1)[0] for one in found] == [2, 4, 2, 2, 6]


def test_a_bad_row_is_refused_alone():
    ask = lambda b: asyncio.gather(*(b.answer("s", rows(k), {}) for k in (1, -1, 2)), return_exceptions=True)  # noqa: E731
    first, bad, last = played(Doubler(), ask, size=8, wait=0.02)
    assert first["y"] == [2] and last["y"] == [4] and isinstance(bad, Invalid)


def test_a_full_queue_says_when_to_come_again():
    async def ask(b):
        first = []
        for _ in range(3):  # one is computed, two wait
            first.append(asyncio.ensure_future(b.answer("s", rows(1, 2), {})))
            await asyncio.sleep(0.01)
        with pytest.raises(Busy) as error:
            await b.answer("s", rows(1, 2), {})
        assert error.value.status == 429 and error.value.retry_after >= 1
        return await asyncio.gather(*first)

    assert len(played(Doubler(0.1), ask, size=2, wait=0, queue=4)) == 3


def test_who_leaves_is_not_computed():
    run = Doubler(0.05)

    async def ask(b):
        first = asyncio.ensure_future(b.answer("s", rows(1), {}))
        await asyncio.sleep(0.01)
        second = asyncio.ensure_future(b.answer("s", rows(2), {}))
        await asyncio.sleep(0.01)
        second.cancel()
        await first
        await b.answer("s", rows(3), {})
        assert b.waiting == 0

    played(run, ask, size=1, wait=0)
    assert run.batches == [1, 1]


def test_a_death_costs_nobody_but_who_dies_twice():
    died = []

    async def run(signature, tensors):
        if 7 in tensors["x"] or not died:
            died.append(len(tensors["x"]))
            raise WorkerDied("gone")
        return {"y": tensors["x"]}

    ask = lambda b: asyncio.gather(*(b.answer("s", rows(k), {}) for k in (1, 7, 2)), return_exceptions=True)  # noqa: E731
    first, poison, last = played(run, ask, size=8, wait=0.02)
    assert first["y"] == [1] and last["y"] == [2] and isinstance(poison, WorkerDied)
    assert died == [3, 1, 1]
