"""A handler that ends when its client leaves."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from fastapi import Request


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
