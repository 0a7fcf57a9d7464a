"""A person decides: the agent waits, for minutes or days, and holds nothing meanwhile."""

import asyncio

import orchestrator
from orchestrator import Context, TaskHandle


@orchestrator.agent
async def write(ctx: Context, topic: str) -> str:
    text = f"All about {topic}, and much more."
    for revision in range(3):
        decision = await ctx.checkpoint("Publish?", {"text": text}, name=f"review {revision}")
        if decision.accepted:
            return text
        if decision.decision == "reject":
            raise orchestrator.Terminal(f"rejected: {decision.feedback}")
        text = text.replace(", and much more", "")
    raise orchestrator.NeedsAttention("three revisions were not enough")


async def a_person(o: orchestrator.Orchestrator, task: TaskHandle[str]) -> None:
    """Reads what is asked and answers. Usually this is someone at a browser, or at `orchestrator decide`."""
    async for event in task.events():
        if event.type == "checkpoint_opened":
            [asked] = await o.checkpoints(root_id=task.id)
            text = asked.content["text"]
            print(f"{asked.question} {text}")
            if len(text) > 20:
                await o.decide(asked, "correct", "shorter")
            else:
                await o.decide(asked, "accept")


async def main() -> None:
    async with orchestrator.connect("memory:") as o, o.worker([write]):
        task = await o.submit(write, "tasks")
        person = asyncio.create_task(a_person(o, task))
        print(f"published: {await task}")
        await person


asyncio.run(main())
