"""``logging`` inside an agent reaches its task's log."""

from __future__ import annotations

import logging

from ._work.context import current


class TaskLogHandler(logging.Handler):
    """Writes what an agent logs into the log of its task; what is logged elsewhere is not its business.

    Workers add one to the root logger while they run, unless told not to.
    """

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        ctx = current.get(None)
        if ctx is None:
            return
        try:
            ctx.log(self.format(record))
        except Exception:
            self.handleError(record)


def from_native(level: str, target: str, text: str) -> None:
    """Logs what the native half has to say. ``target`` is where: ``orchestrator_client::worker``, which is
    ``orchestrator.client.worker`` here."""
    name = target.removeprefix("orchestrator_").replace("::", ".")
    logging.getLogger(f"orchestrator.{name}").log(_LEVELS.get(level, logging.DEBUG), "%s", text)


_LEVELS = {"ERROR": logging.ERROR, "WARN": logging.WARNING, "INFO": logging.INFO}

_users = 0
_handler = TaskLogHandler()


def capture() -> None:
    """Adds the handler, unless it is there."""
    global _users
    _users += 1
    if _users == 1:
        logging.getLogger().addHandler(_handler)


def release() -> None:
    """Takes the handler away when its last user goes."""
    global _users
    _users -= 1
    if _users == 0:
        logging.getLogger().removeHandler(_handler)
