"""A worker of a server: agents in Python beside those of other programs, which call each other.

    orchestrator-server &
    orchestrator-worker &                       # the built-in agents, `command` among them
    python remote_worker.py

The same worker as a command: `orchestrator-py worker remote_worker:release --server http://127.0.0.1:8080`.
"""

import asyncio
import sys

import orchestrator
from orchestrator import Context


@orchestrator.agent
async def release(ctx: Context, version: str) -> str:
    # `command` is written in Rust and runs at another worker.
    built = await ctx.call("command", {"argv": ["echo", "built", version]}, name="build")
    return str(built["stdout"]).strip()


async def main(url: str = "http://127.0.0.1:8080") -> None:
    async with orchestrator.connect(url) as o:
        async with o.worker([release], slots=4):
            print(await o.run(release, "1.2.3"))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
