"""One agent has others work on many inputs, four at a time; one of them fails, and the rest counts."""

import asyncio

import orchestrator
from orchestrator import Context, TaskFailed


@orchestrator.agent("measure", retry=1)
def measure(word: str) -> int:
    # A plain function: it runs in a thread, so that it may block.
    if not word.isalpha():
        raise orchestrator.Terminal(f"{word!r} is not a word")
    return len(word)


@orchestrator.agent
async def longest(ctx: Context, text: str) -> str:
    words = text.split()
    lengths = await ctx.map(measure, words, max_parallel=4, return_exceptions=True)
    for length in lengths:
        if isinstance(length, TaskFailed):
            ctx.log(f"left out: {length}")
    return max((w for w, n in zip(words, lengths) if isinstance(n, int)), key=len)


async def main() -> None:
    async with orchestrator.connect("memory:") as o, o.worker([longest, measure]):
        task = await o.submit(longest, "a task goes on from wh4t was finished")
        print(await task)
        async for line in task.logs():
            print(line.text)


asyncio.run(main())
