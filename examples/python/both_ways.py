"""Agents in two languages that call each other through one server, and do not know which language that is.

    orchestrator-server &
    cargo run -p orchestrator-examples --bin remote_worker -- http://127.0.0.1:8080 &     # `each` and `count_words`
    python both_ways.py
"""

import asyncio
import sys

import orchestrator
from orchestrator import Context


@orchestrator.agent
async def first_line(ctx: Context, text: str) -> dict[str, object]:
    # `count_words` is written in Rust.
    words = await ctx.call("count_words", text, returns=int)
    return {"line": text.splitlines()[0], "words": words}


@orchestrator.agent
async def digest(ctx: Context, texts: list[str]) -> str:
    # `each` is written in Rust too, and has `first_line`, above, work on each text.
    lines = await ctx.call("each", {"agent": first_line.name, "inputs": texts})
    return "; ".join(f"{one['line']} ({one['words']} words)" for one in lines)


async def main(url: str = "http://127.0.0.1:8080") -> None:
    async with orchestrator.connect(url) as o, o.worker([first_line, digest]):
        print(await o.run(digest, ["Rust\nis fast", "Python\nis at hand"]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
