"""The examples in docstrings are run."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ["_agent", "_connection", "_task", "sync", "testing"]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(f"orchestrator.{name}"))
    assert tried > 0
    assert failed == 0
