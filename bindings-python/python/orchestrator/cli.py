"""The command ``orchestrator-py``."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback
from typing import Any, Iterator, Sequence

from ._client.connection import connect
from ._errors import Error, Forbidden, InvalidInput, Unavailable
from ._work.agent import Agent
from ._work.worker import Worker

_USAGE = 2
_REFUSED = 4

#: How often the files are looked at with ``--reload``, in seconds.
_LOOK = 0.3

_log = logging.getLogger("orchestrator")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command, and gives its exit status: 0, 1 when the worker failed, 2 for wrong usage, 4 when the store or
    server cannot be reached or refuses."""
    words = list(sys.argv[1:] if argv is None else argv)
    args = _parser().parse_args(words)
    logging.basicConfig(level=args.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if args.reload:
        return _reloading([word for word in words if word != "--reload"])
    try:
        return asyncio.run(_work(args))
    except InvalidInput as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
    except (Unavailable, Forbidden) as error:
        print(f"error: {error}", file=sys.stderr)
        return _REFUSED
    except Error as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="orchestrator-py", description="Runs agents that are written in Python.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    worker = commands.add_parser(
        "worker",
        help="run a worker until it is stopped",
        description="Runs a worker until SIGINT or SIGTERM; then what runs gets time to end, and a second signal gives it "
        "back at once.",
    )
    worker.add_argument(
        "agents",
        nargs="+",
        metavar="MODULE[:NAME,...]",
        help="where the agents are: all of a module, or some by the names of their variables",
    )
    worker.add_argument(
        "--url",
        "--server",
        default=os.environ.get("ORCHESTRATOR_URL", "http://127.0.0.1:8080"),
        help="the server, or the store: http://…, sqlite:…, postgres://… (ORCHESTRATOR_URL; default: %(default)s)",
    )
    worker.add_argument("--slots", type=int, default=8, help="how many tasks run at once (default: %(default)s)")
    worker.add_argument("--name", help="the worker's name (default: the machine's)")
    worker.add_argument("--label", action="append", default=[], help="what it offers: gpu, tool:git; may be repeated")
    worker.add_argument(
        "--drain", type=float, default=30.0, metavar="SECONDS", help="what tasks get to end (default: %(default)s)"
    )
    worker.add_argument("--reload", action="store_true", help="start again whenever a Python file changes here")
    worker.add_argument(
        "--log-level", default="info", choices=["debug", "info", "warning", "error"], help="(default: %(default)s)"
    )
    return parser


async def _work(args: argparse.Namespace) -> int:
    agents = [agent for where in args.agents for agent in _load(where)]
    async with connect(args.url) as o:
        async with o.worker(
            agents, slots=args.slots, name=args.name, labels=args.label, drain=args.drain
        ) as worker:
            _log.info("worker %s runs %s at %s", worker.id, ", ".join(worker.task_types), _shown(args.url))
            await _until_signalled(worker, args.drain)
    return 0


async def _until_signalled(worker: Worker, drain: float) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def on_signal() -> None:
        if told.is_set():
            _log.info("giving back what runs")
            worker.hurry()
            return
        _log.info("stopping: what runs has %s s to end; another signal gives it back at once", drain)
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    ended = asyncio.ensure_future(worker.wait())
    waiting = asyncio.ensure_future(told.wait())
    try:
        await asyncio.wait({ended, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            ended.result()
    finally:
        ended.cancel()
        waiting.cancel()


def _load(where: str) -> Iterator[Agent[Any]]:
    name, _, names = where.partition(":")
    # As `python -m` does: modules of the current folder can be named.
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        hint = "; a module is named without `.py`" if name.endswith(".py") else ""
        raise InvalidInput(f"{where}: there is no module `{error.name}` here or installed{hint}") from None
    except Exception as error:
        # Where it is wrong is for its author to see; with --reload the next change may be the cure.
        traceback.print_exc()
        raise InvalidInput(f"{where}: the module cannot be loaded: {type(error).__name__}: {error} (above)") from None
    if not names:
        found = [value for value in vars(module).values() if isinstance(value, Agent)]
        if not found:
            raise InvalidInput(f"{where}: the module has no agents; make them with @orchestrator.agent")
        yield from dict.fromkeys(found)
        return
    for one in names.split(","):
        value = getattr(module, one, None)
        if not isinstance(value, Agent):
            raise InvalidInput(f"{where}: `{one}` is not an agent of the module; make it one with @orchestrator.agent")
        yield value


def _shown(url: str) -> str:
    """A URL without what may be a password."""
    head, at, tail = url.rpartition("@")
    return f"{head.split('://')[0]}://…@{tail}" if at else url


def _reloading(words: list[str]) -> int:
    """Runs the same command in a process of its own, and anew whenever a file changes."""
    # What asks for our end is passed on, also while the child ends: a second signal makes it hurry.
    told = 0

    def on_signal(number: int, frame: object) -> None:
        nonlocal told
        told += 1
        if child.poll() is None:
            child.terminate()

    seen, child = _files(), _start(words)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    while not told:
        ended = child.poll() is not None
        if ended and child.returncode != _USAGE:
            return child.returncode
        time.sleep(_LOOK)
        now = _files()
        # Of a mistake in a file that is being edited the next change is the cure.
        if now != seen:
            _log.info("files have changed: starting again")
            if not ended:
                child.terminate()
                child.wait()
            seen, child = _files(), _start(words)
    return child.wait()


def _start(words: list[str]) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C comes to it through us, once.
    command = [sys.executable, "-m", "orchestrator.cli", *words]
    return subprocess.Popen(command, start_new_session=True)


def _files() -> dict[str, float]:
    """When each Python file below the current folder was changed last."""
    found: dict[str, float] = {}
    for folder, folders, names in os.walk("."):
        folders[:] = [name for name in folders if not name.startswith((".", "__")) and name not in ("node_modules", "target")]
        for name in names:
            if name.endswith(".py"):
                path = pathlib.Path(folder, name)
                try:
                    found[str(path)] = path.stat().st_mtime
                except OSError:
                    continue
    return found


if __name__ == "__main__":
    sys.exit(main())
