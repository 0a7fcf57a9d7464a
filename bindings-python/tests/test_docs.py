"""The examples in docstrings and in documents are run."""

from __future__ import annotations

import doctest
import importlib
import pathlib
import re
import subprocess
import sys

import pytest
from conftest import ROOT

MODULES = ["_work.agent", "_client.connection", "_client.task", "sync", "testing"]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(f"orchestrator.{name}"))
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize("name", ["README.md", "docs/python.md", "bindings-python/README.md"])
def test_documents(name: str, tmp_path: pathlib.Path) -> None:
    blocks: list[str] = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)
    programs = [block for block in blocks if "asyncio.run(" in block]
    assert programs
    (tmp_path / "README.md").write_text("the first line\nand more\n")
    for program in programs:
        command = [sys.executable, "-W", "error", "-c", program]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert (done.stdout, done.stderr) == ("the first line\n", "")
