"""Durable tasks and agents: functions that call each other, wait for people and time, and go on after crashes.

    import asyncio
    import orchestrator

    @orchestrator.agent("summarize")
    async def summarize(ctx, doc: str) -> str:
        text = await ctx.step("read", read, doc)        # done once, remembered
        return text.splitlines()[0]

    async def main() -> None:
        async with orchestrator.connect("sqlite:agents.db") as o:   # or memory:, postgres://…, http://host:8080
            async with o.worker([summarize], slots=8):
                print(await o.run(summarize, "README.md"))

    asyncio.run(main())
"""

from . import sync
from ._work.agent import Agent, agent
from ._client.connection import Connecting, Orchestrator, connect
from ._work.context import Child, Context, Winner, context
from ._errors import (
    AgentError,
    BudgetExhausted,
    Conflict,
    Error,
    Forbidden,
    InvalidInput,
    LeaseLost,
    NeedsAttention,
    NotFound,
    RateLimited,
    Retryable,
    TaskCancelled,
    TaskFailed,
    Terminal,
    Unavailable,
)
from ._client.handle import TaskHandle
from ._logging import TaskLogHandler
from ._native import __version__
from ._client.task import (
    Budget,
    Checkpoint,
    Decision,
    Event,
    LogLine,
    NewTask,
    Reason,
    Retry,
    Seconds,
    State,
    Task,
    TaskOptions,
    TaskProblem,
    Tree,
    Usage,
    Why,
    task,
)
from ._work.worker import Worker

__all__ = [
    "Agent",
    "AgentError",
    "Budget",
    "BudgetExhausted",
    "Checkpoint",
    "Child",
    "Conflict",
    "Connecting",
    "Context",
    "Decision",
    "Error",
    "Event",
    "Forbidden",
    "InvalidInput",
    "LeaseLost",
    "LogLine",
    "NeedsAttention",
    "NewTask",
    "NotFound",
    "Orchestrator",
    "RateLimited",
    "Reason",
    "Retry",
    "Retryable",
    "Seconds",
    "State",
    "Task",
    "TaskCancelled",
    "TaskFailed",
    "TaskHandle",
    "TaskLogHandler",
    "TaskOptions",
    "TaskProblem",
    "Terminal",
    "Tree",
    "Unavailable",
    "Usage",
    "Why",
    "Winner",
    "Worker",
    "__version__",
    "agent",
    "connect",
    "context",
    "sync",
    "task",
]
