"""An agent of the OpenAI SDK: every answer of the model is a step, so that none is paid for twice, and every tool that
the model calls is an agent of its own, which may be retried, watched, or run elsewhere.

    OPENAI_API_KEY=... python openai_sdk.py "How warm is it in Oslo?"
"""

import asyncio
import json
import sys
from typing import cast

import openai
import orchestrator
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam, ChatCompletionToolParam
from orchestrator import Context

MODEL = "gpt-5-mini"

TOOLS: list[ChatCompletionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather of a city now.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
                "required": ["city"],
            },
        },
    }
]


@orchestrator.agent
async def weather(city: str, unit: str = "celsius") -> str:
    return f"{city}: {'4 °C' if unit == 'celsius' else '39 °F'}, rain"


@orchestrator.agent(name="ask", retry=orchestrator.Retry(max_attempts=4, initial_backoff=1))
async def ask(ctx: Context, question: str) -> str:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": question}]
    # Trying again is the task's matter: it can wait for an hour, and holds nothing meanwhile.
    async with openai.AsyncOpenAI(max_retries=0) as client:

        async def complete() -> ChatCompletion:
            try:
                answer = await client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
            except openai.RateLimitError as error:
                patience = float(error.response.headers.get("retry-after", 10))
                raise orchestrator.RateLimited(error.message, retry_after=patience) from error
            except (openai.AuthenticationError, openai.BadRequestError) as error:
                raise orchestrator.Terminal(error.message) from error
            if answer.usage is not None:
                ctx.usage(input_tokens=answer.usage.prompt_tokens, output_tokens=answer.usage.completion_tokens)
            return answer

        for turn in range(10):
            message = (await ctx.step(f"answer {turn}", complete)).choices[0].message
            if not message.tool_calls:
                return message.content or ""
            messages.append(cast(ChatCompletionMessageParam, message.to_dict()))
            for call in message.tool_calls:
                if call.type != "function":
                    raise orchestrator.Terminal(f"the model called a tool that it was not offered: {call.type}")
                arguments = json.loads(call.function.arguments)
                output = await ctx.call(call.function.name, arguments, name=call.id)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(output)})
    raise orchestrator.NeedsAttention("ten turns were not enough")


async def main(question: str = "How warm is it in Oslo?") -> None:
    async with orchestrator.connect("sqlite:agents.db") as o, o.worker([ask, weather]):
        task = await o.submit(ask, question)
        print(await task)
        spent = (await task.get()).usage
        print(f"{spent.input_tokens} tokens in, {spent.output_tokens} out", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
