"""The smallest program: an agent, an engine in this process, one task."""

import asyncio

import orchestrator


@orchestrator.agent
async def greet(name: str) -> str:
    return f"hello {name}"


async def main() -> None:
    async with orchestrator.connect("memory:") as o, o.worker([greet]):
        print(await o.run(greet, "ada"))


asyncio.run(main())
