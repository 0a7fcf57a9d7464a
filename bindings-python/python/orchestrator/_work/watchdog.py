"""Finds agents that block the event loop, and names them."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from typing import Any

from .. import _native
from .context import Context, current
from .run import Runner

_log = logging.getLogger("orchestrator")

#: How often to look while tasks run, in seconds.
_EVERY = 0.1

#: How many frames of a stack are shown, the innermost ones.
_FRAMES = 6


class Watchdog:
    """A thread that asks the loop for a sign of life while tasks run, and looks who is to blame when none comes.

    The asking and the waiting are done in Rust, without Python's lock.
    """

    def __init__(
        self, native: _native.Worker, runner: Runner, loop: asyncio.AbstractEventLoop, blocked_after: float
    ) -> None:
        self._native = native
        self._runner = runner
        self._loop = loop
        self._blocked_after = blocked_after
        self._loop_thread = threading.get_ident()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="orchestrator-watchdog")
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self._stopped.set()
        self._runner.busy.set()

    def _is_over(self) -> bool:
        # A program that ends joins this thread before anything tells it to stop.
        return self._stopped.is_set() or not threading.main_thread().is_alive()

    def _watch(self) -> None:
        while not self._is_over():
            if not self._runner.busy.wait(0.5):
                continue
            if self._stopped.wait(_EVERY):
                return
            began = time.monotonic()
            if not self._native.ping(self._blocked_after) and not self._is_over():
                self._report(began)

    def _report(self, began: float) -> None:
        who, ctx = self._culprit()
        frame = sys._current_frames().get(self._loop_thread)
        stack = "".join(traceback.format_stack(frame)[-_FRAMES:]) if frame is not None else ""
        del frame
        advice = "Make it a plain function, which runs in a thread, or use asyncio.to_thread."
        if ctx is not None:
            # At once: a task that ends with the block takes no lines any more.
            ctx.log(
                f"WARNING orchestrator: {who} blocks the event loop, for {self._blocked_after:.1f} s so far: nothing else "
                f"runs meanwhile. {advice} It is here:\n{stack}"
            )
        while not self._is_over() and not self._native.ping(0.25):
            pass
        lasted = time.monotonic() - began
        text = f"{who} blocked the event loop for {lasted:.1f} s: nothing else ran meanwhile. {advice} It was here:\n{stack}"
        _log.warning("%s", text)

    def _culprit(self) -> tuple[str, Context | None]:
        """The agent whose task runs on the loop now."""
        task: asyncio.Task[Any] | None = asyncio.current_task(self._loop)
        if task is None:
            return "a callback", None
        ctx: Context | None = None
        get_context = getattr(task, "get_context", None)  # since 3.12
        if get_context is not None:
            ctx = get_context().get(current)
        if ctx is None:
            ctx = self._runner.context_of(task)
        if ctx is not None:
            return f"agent `{ctx.task_type}` (task {ctx.task_id})", ctx
        return f"the asyncio task {task.get_name()}", None
