"""Worker processes of the peers that have such."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


class WorkerProcess:
    """A worker, in a process of its own, whose log is in the turn's folder."""

    def __init__(self, *command: str) -> None:
        log = pathlib.Path(os.environ["BENCH_MARKS"]).with_name("worker.log")
        with log.open("ab") as out:
            self._process = subprocess.Popen([sys.executable, "-m", *command], cwd=HERE, stdout=out, stderr=out)

    def stop(self) -> None:
        """Ends it: in order if it does so soon."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
