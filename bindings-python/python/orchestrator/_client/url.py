"""What can be opened, and what was probably meant by what cannot."""

from __future__ import annotations

import pathlib
import re
from typing import Any

from .._errors import InvalidInput

_KINDS = "`memory:`, `sqlite:path/to/file.db`, `postgres://user@host/name` or `http://host:8080`"


def check_url(url: Any) -> None:
    """Raises :class:`InvalidInput` for what is not the URL of a store or a server, with the one that was meant."""
    if isinstance(url, pathlib.PurePath):
        raise InvalidInput(f"url: a path is not a URL; write `sqlite:{url}`")
    if not isinstance(url, str):
        raise InvalidInput(f"url: must be {_KINDS}, not {url!r}")
    scheme = url.partition(":")[0]
    if scheme in ("memory", "sqlite", "postgres", "postgresql", "http", "https"):
        return
    raise InvalidInput(f"`{scheme}` is not the URL of a store or a server; {_meant(url, scheme)}")


def _meant(url: str, scheme: str) -> str:
    if re.fullmatch(r"[\w.-]+:\d+/?", url):
        return f"did you mean `http://{url}`?"
    if scheme.startswith(("postgres+", "postgresql+")):
        return "SQLAlchemy's drivers are not used: write `postgres://`"
    if scheme in ("ws", "wss"):
        return f"write `http{scheme[2:]}://`: what of it are WebSockets is our matter"
    if ":" not in url and url.endswith((".db", ".sqlite", ".sqlite3")):
        return f"did you mean `sqlite:{url}`?"
    if scheme != scheme.lower():
        return f"write `{scheme.lower()}:` in small letters"
    return f"use {_KINDS}"
