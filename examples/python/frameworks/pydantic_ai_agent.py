"""A PydanticAI agent as ours: its model is wrapped, so that every answer is a step, and its tools have the task's
context, so that one can ask a person, or call agents in any language.

    OPENAI_API_KEY=... python pydantic_ai_agent.py "Send 12 boxes to Oslo."
"""

import asyncio
import sys
from typing import Any

import openai
import orchestrator
from orchestrator import Context
from pydantic import BaseModel
from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings


class Durable(WrapperModel):
    """Any model of PydanticAI; its answers are steps of the task that asks, and what they cost is the task's usage."""

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        ctx = orchestrator.context()

        async def once() -> list[Any]:
            answer = await self.wrapped.request(messages, model_settings, model_request_parameters)
            spent = answer.usage
            ctx.usage(
                input_tokens=spent.input_tokens,
                cached_tokens=spent.cache_read_tokens,
                output_tokens=spent.output_tokens,
            )
            plain: list[Any] = ModelMessagesTypeAdapter.dump_python([answer], mode="json")
            return plain

        # How far the conversation is tells its answers apart.
        [answer] = ModelMessagesTypeAdapter.validate_python(await ctx.step(f"answer {len(messages)}", once))
        assert isinstance(answer, ModelResponse)
        return answer


class Order(BaseModel):
    """What is to be sent."""

    boxes: int
    city: str


clerk = Agent(deps_type=Context, output_type=Order, instructions="Make an order of what the customer says.")


@clerk.tool
async def price(run: RunContext[Context], boxes: int, city: str) -> float:
    """What it costs to send so many boxes to a city."""
    return await run.deps.call(tariff, {"boxes": boxes, "city": city}, name=run.tool_call_id)


@orchestrator.agent
async def tariff(boxes: int, city: str) -> float:
    return 3.5 * boxes + len(city)


@orchestrator.agent(name="order", retry=3)
async def order(ctx: Context, request: str) -> Order:
    # Trying again is the task's matter.
    async with openai.AsyncOpenAI(max_retries=0) as client:
        model = OpenAIChatModel("gpt-5-mini", provider=OpenAIProvider(openai_client=client))
        return (await clerk.run(request, model=Durable(model), deps=ctx)).output


async def main(request: str = "Send 12 boxes to Oslo.") -> None:
    async with orchestrator.connect("sqlite:agents.db") as o, o.worker([order, tariff]):
        task = await o.submit(order, request)
        made = await task
        print(f"{made.boxes} boxes to {made.city}")
        spent = (await task.get()).usage
        print(f"{spent.input_tokens} tokens in, {spent.output_tokens} out", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
