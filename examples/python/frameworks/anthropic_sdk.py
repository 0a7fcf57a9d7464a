"""An agent of the Anthropic SDK that streams: who asked sees the text as the model writes it, and the whole is the output.

    ANTHROPIC_API_KEY=... python anthropic_sdk.py "the sea"
"""

import asyncio
import sys
from typing import AsyncIterator

import anthropic
import orchestrator
from orchestrator import Context

MODEL = "claude-sonnet-4-5"


@orchestrator.agent
async def poem(ctx: Context, topic: str) -> AsyncIterator[str]:
    # Trying again is the task's matter.
    async with anthropic.AsyncAnthropic(max_retries=0) as client:
        question = f"Write a short poem about {topic}."
        async with client.messages.stream(
            model=MODEL, max_tokens=1_000, messages=[{"role": "user", "content": question}]
        ) as stream:
            async for piece in stream.text_stream:
                yield piece
            spent = (await stream.get_final_message()).usage
    # Here, what was read from the cache is a part of the input; there, it is counted beside it.
    cached = spent.cache_read_input_tokens or 0
    ctx.usage(
        input_tokens=spent.input_tokens + cached + (spent.cache_creation_input_tokens or 0),
        cached_tokens=cached,
        output_tokens=spent.output_tokens,
    )


async def main(topic: str = "the sea") -> None:
    async with orchestrator.connect("memory:") as o, o.worker([poem]):
        task = await o.submit(poem, topic)
        async for piece in task.stream():
            print(piece, end="", flush=True)
        print()
        # Without this a failure would only end the stream.
        await task
        spent = (await task.get()).usage
        print(f"{spent.input_tokens} tokens in, {spent.output_tokens} out", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
