"""The same without ``await``: for plain functions that are agents, for scripts and for notebooks."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any, Awaitable, Callable, TypeVar

from . import _context, _json, _types

T = TypeVar("T")

__all__ = ["Context"]


class Context:
    """What an agent that is a plain function can do with its task: as :class:`orchestrator.Context`, without ``await``.

    The function runs in a thread of its own. A task that is stopped raises ``asyncio.CancelledError`` at the next thing
    that it does here.
    """

    def __init__(self, ctx: _context.Context, loop: asyncio.AbstractEventLoop) -> None:
        self._ctx = ctx
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ctx, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        def blocking(*args: Any, **kwargs: Any) -> Any:
            return self._wait(lambda: found(*args, **kwargs))

        return blocking

    def step(
        self, name: str, work: Callable[..., Any] | None = None, /, *args: Any, returns: Any = None, **kwargs: Any
    ) -> Any:
        """Does something once, in this thread, and remembers its result."""
        if work is None:
            return lambda work: lambda *args, **kwargs: self.step(name, work, *args, returns=returns, **kwargs)
        returns = returns or _context._returned(work)
        begun = self._wait(lambda: self._ctx._native.step(name))
        if isinstance(begun, str):
            text = begun
        else:
            try:
                text = _json.dumps(work(*args, **kwargs), f"result of the step `{name}`")
            except BaseException:
                self._wait(begun.give_up)
                raise
            self._wait(lambda: begun.finish(text))
        value = _json.loads(text)
        return value if returns is None else _types.read(returns, value, f"result of the step `{name}`")

    def _wait(self, begin: Callable[[], Awaitable[T]]) -> T:
        return wait(self._loop, begin)


def wait(loop: asyncio.AbstractEventLoop, begin: Callable[[], Awaitable[T]]) -> T:
    """What an awaitable gives that begins and runs on the loop of another thread."""

    async def whole() -> T:
        return await begin()

    try:
        return asyncio.run_coroutine_threadsafe(whole(), loop).result()
    except concurrent.futures.CancelledError as error:
        raise asyncio.CancelledError(*error.args) from None
