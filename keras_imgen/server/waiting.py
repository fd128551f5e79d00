"""What a handler waits for: work that ends when its client leaves, and answers that are written beside the event loop."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import numpy as np
from fastapi import Request

LARGE = 1 << 16  # bytes of an answer that takes longer to write than a thread to be found


async def while_connected(request: Request, work: Coroutine[Any, Any, Any]) -> Any:
    """What the work returns; it is cancelled when the client leaves.

    Args:
        request: whose body has been read.
        work: to be waited for.
    """

    async def left():
        while (await request.receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(left())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            tasks[0].cancel()
        return await tasks[0]
    finally:
        for task in tasks:
            task.cancel()


async def apart(write: Callable[[Mapping[str, np.ndarray]], Any], tensors: Mapping[str, np.ndarray]) -> Any:
    """What a function writes of tensors; of large ones in a thread, so that others are answered meanwhile.

    Args:
        write: tensors by name -> an answer in the form of a protocol.
        tensors: by name; strings are objects that are bytes.
    """
    if sum(map(_size, tensors.values())) < LARGE:
        return write(tensors)
    return await asyncio.to_thread(write, tensors)


def _size(array):
    return sum(map(len, array.reshape(-1))) if array.dtype == object else array.nbytes
