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

class _Capture(TaskLogHandler):
    """What workers add. Programs that have not set up logging go on seeing warnings: Python shows those as long as there
    is no handler at all, and this one, which nobody asked for, must not count."""

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and not self._is_shown(record):
            last.handle(record)

    def _is_shown(self, record: logging.LogRecord) -> bool:
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            if any(handler is not self for handler in logger.handlers):
                return True
            logger = logger.parent if logger.propagate else None
        return False


_users = 0
_handler = _Capture()


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
