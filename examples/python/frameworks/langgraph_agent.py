"""A LangGraph graph as an agent: ``durable`` makes a step of a node, so that a task that goes on after a crash, or in
another process, does not ask the model again for what it has answered.

    OPENAI_API_KEY=... python langgraph_agent.py "How warm is it in Oslo?"
"""

# LangGraph leaves types open.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

import asyncio
import sys
from typing import Any, Awaitable, Callable, Protocol

import orchestrator
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, messages_from_dict, messages_to_dict
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition


class Node(Protocol):
    """What a graph is made of."""

    async def __call__(self, state: MessagesState) -> dict[str, Any]: ...


def durable(name: str, work: Callable[[MessagesState], Awaitable[BaseMessage]]) -> Node:
    """A node that gives one message, done once for each state of the conversation; its usage becomes the task's."""

    async def node(state: MessagesState) -> dict[str, Any]:
        ctx = orchestrator.context()

        async def once() -> list[dict[str, Any]]:
            message = await work(state)
            if isinstance(message, AIMessage) and message.usage_metadata:
                spent = message.usage_metadata
                ctx.usage(input_tokens=spent["input_tokens"], output_tokens=spent["output_tokens"])
            return messages_to_dict([message])

        # A node runs again and again in a loop: how far the conversation is tells its runs apart.
        return {"messages": messages_from_dict(await ctx.step(f"{name} {len(state['messages'])}", once))}

    return node


@tool
def weather(city: str) -> str:
    """The weather of a city now."""
    return f"{city}: 4 °C, rain"


def graph() -> Any:
    """The graph, as anyone writes one."""
    # Trying again is the task's matter.
    model = ChatOpenAI(model="gpt-5-mini", max_retries=0).bind_tools([weather])

    async def think(state: MessagesState) -> BaseMessage:
        return await model.ainvoke(state["messages"])

    builder = StateGraph(MessagesState)
    builder.add_node("think", durable("think", think))
    builder.add_node("tools", ToolNode([weather]))
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", tools_condition)
    builder.add_edge("tools", "think")
    return builder.compile()


@orchestrator.agent(name="ask", retry=3)
async def ask(question: str) -> str:
    end = await graph().ainvoke({"messages": [HumanMessage(question)]})
    return str(end["messages"][-1].content)


async def main(question: str = "How warm is it in Oslo?") -> None:
    async with orchestrator.connect("sqlite:agents.db") as o, o.worker([ask]):
        task = await o.submit(ask, question)
        print(await task)
        spent = (await task.get()).usage
        print(f"{spent.input_tokens} tokens in, {spent.output_tokens} out", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
