"""The scenarios of `examples/scenarios.json`, which Rust runs too (`examples/tests/scenarios.rs`): the outcomes are equal."""

from __future__ import annotations

import asyncio
import collections
import json
from typing import Any, cast

import orchestrator
import pytest
from conftest import ROOT
from orchestrator import Agent, Context, Error, Orchestrator, TaskHandle

SCENARIOS: list[dict[str, Any]] = json.loads((ROOT / "examples" / "scenarios.json").read_text())

CLASSES = {kind.error_class: kind for kind in orchestrator.AgentError.__subclasses__()}


class Play:
    """The agents of a scenario: small programs, an instruction after the other."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self.effects: collections.Counter[str] = collections.Counter()
        self.agents = [self._agent(name, program) for name, program in scenario["agents"].items()]

    def _agent(self, name: str, program: list[dict[str, Any]]) -> Agent[Any]:
        @orchestrator.agent(name)
        async def act(ctx: Context, input: Any = None) -> Any:
            results: list[Any] = []
            for instruction in program:
                if "return" in instruction:
                    return instruction["return"]
                if "return_input" in instruction:
                    return input
                if "return_results" in instruction:
                    return results
                if "log" in instruction:
                    ctx.log(instruction["log"])
                elif "usage" in instruction:
                    ctx.usage(**instruction["usage"])
                elif "try" in instruction:
                    try:
                        results.append(await self._do(ctx, instruction["try"]))
                    except Error as error:
                        results.append({"error": error.message})
                else:
                    results.append(await self._do(ctx, instruction))
            return None

        return act

    async def _do(self, ctx: Context, it: dict[str, Any]) -> Any:
        name = it.get("name")
        if "step" in it:
            return await ctx.step(it["step"], self._work, it)
        if "call" in it:
            return await ctx.call(it["call"], it.get("input"), name=name)
        if "spawn" in it:
            return (await ctx.spawn(it["spawn"], it.get("input"), name=name)) and None
        if "map" in it:
            return await ctx.map(it["map"], it["inputs"], max_parallel=it["max_parallel"], name=name)
        if "race" in it:
            won = await ctx.race([orchestrator.task(one) for one in it["race"]], name=str(name))
            return [won.index, won.output]
        if "sleep" in it:
            return await ctx.sleep(it["sleep"], name=str(name))
        if "checkpoint" in it:
            decision = await ctx.checkpoint(it["checkpoint"], it["content"])
            return {"decision": decision.decision, "feedback": decision.feedback}
        if "wait_external" in it:
            return await ctx.wait_external(it["wait_external"])
        assert "fail" in it, it
        if ctx.attempt < it.get("before_attempt", 1_000_000):
            raise CLASSES[it["fail"]["class"]](it["fail"]["message"])
        return None

    async def _work(self, it: dict[str, Any]) -> Any:
        self.effects[it["step"]] += 1
        if self.effects[it["step"]] <= it.get("times", 0):
            raise CLASSES[it["fail"]["class"]](it["fail"]["message"])
        return it["value"]


async def answer(o: Orchestrator, task: TaskHandle[Any], answers: dict[str, Any]) -> None:
    """Plays the people and the outside systems."""
    async for event in task.events():
        if event.type == "task_created" and event.step in answers and event.task_id is not None:
            said = answers[event.step]
            asked = o.task(event.task_id)
            if "decision" in said:
                await asked.decide(said["decision"], said["feedback"])
            elif "output" in said:
                await asked.complete(said["output"])
            else:
                await asked.fail(said["error"]["message"])


async def play(url: str, scenario: dict[str, Any]) -> dict[str, Any]:
    """What came of a scenario, as far as it expects something."""
    wanted = scenario["expect"]
    it = Play(scenario)
    options = {key: value for key, value in scenario["submit"].items() if key not in ("task_type", "input", "retry")}
    if "retry" in scenario["submit"]:
        retry = dict(scenario["submit"]["retry"])
        retry["initial_backoff"] = retry.pop("initial_backoff_s", 1.0)
        options["retry"] = orchestrator.Retry(**retry)
    async with orchestrator.connect(url) as o, o.worker(it.agents):
        submit = cast(Any, o.submit)
        task: TaskHandle[Any] = await submit(scenario["submit"]["task_type"], scenario["submit"].get("input"), **options)
        answering = asyncio.create_task(answer(o, task, scenario.get("answers", {})))
        if "cancel_when" in scenario:
            async for event in task.events():
                if event.task_id == task.id and event.state == scenario["cancel_when"]:
                    await task.cancel()
                    break
        ended = await task.wait(60)
        # What is cancelled with a task ends a little later.
        await asyncio.gather(*(o.task(one.id).wait(60) for one in (await task.tree()).tasks))
        tree = await task.tree()
        history = await task.history(tree=True)
        counts = collections.Counter(event.type for event in history)
        found: dict[str, Any] = {
            "state": ended.state,
            "output": ended.output,
            "error": {"class": ended.error.error_class, "message": ended.error.message} if ended.error else None,
            "attempt": ended.attempt,
            "children": {one.step: one.state for one in tree.tasks if one.parent_id == task.id},
            "steps": [event.step for event in history if event.type == "task_step" and event.task_id == task.id],
            "effects": dict(it.effects),
            "events": {kind: counts[kind] for kind in wanted.get("events", {})},
            "tree_usage": {name: getattr(ended.tree_usage, name) for name in wanted.get("tree_usage", {})},
            "logs": [line.text async for line in task.logs()],
        }
        answering.cancel()
    return {key: found[key] for key in wanted}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
async def test_scenario(url: str, scenario: dict[str, Any]) -> None:
    assert await play(url, scenario) == scenario["expect"]
