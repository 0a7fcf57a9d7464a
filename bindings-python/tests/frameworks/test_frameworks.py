"""Existing agents, wrapped: each example is run with its real packages against a provider on this machine, and what the
provider has counted is what the task has spent."""

from __future__ import annotations

import asyncio
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from typing import Any

import httpx
import orchestrator
import pytest
from fake_provider import Answer, Provider, Refuse, Say, Use, provider
from orchestrator import testing

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "examples" / "python" / "frameworks"
sys.path.insert(0, str(EXAMPLES))

import openai_sdk  # noqa: E402

WEATHER: list[Answer] = [Use("weather", {"city": "Oslo"}), Say("It is 4 °C, and it rains.")]
ORDER: list[Answer] = [Use("price", {"boxes": 12, "city": "Oslo"}), Use("final_result", {"boxes": 12, "city": "Oslo"})]


def environment(fake: Provider) -> dict[str, str]:
    """What points the SDKs at the provider."""
    return {
        "OPENAI_API_KEY": "k",
        "OPENAI_BASE_URL": f"{fake.url}/v1",
        "ANTHROPIC_API_KEY": "k",
        "ANTHROPIC_BASE_URL": fake.url,
        "LANGSMITH_TRACING": "false",
    }


def run(name: str, argument: str, fake: Provider, folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Runs an example as its user does."""
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), argument]
    settings = {**os.environ, **environment(fake)}
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("name", "argument", "answers", "printed"),
    [
        ("openai_sdk", "How warm is it in Oslo?", WEATHER, "It is 4 °C, and it rains.\n"),
        ("langgraph_agent", "How warm is it in Oslo?", WEATHER, "It is 4 °C, and it rains.\n"),
        ("pydantic_ai_agent", "Send 12 boxes to Oslo.", ORDER, "12 boxes to Oslo\n"),
        ("anthropic_sdk", "the sea", [Say("Grey as it is,\nit sings.")], "Grey as it is,\nit sings.\n"),
    ],
)
def test_example(name: str, argument: str, answers: list[Answer], printed: str, tmp_path: pathlib.Path) -> None:
    with provider(*answers) as fake:
        done = run(name, argument, fake, tmp_path)
    assert (done.stdout, done.returncode) == (printed, 0), done.stderr
    assert f"{fake.input_tokens} tokens in, {fake.output_tokens} out\n" in done.stderr
    assert fake.left == 0
    assert fake.input_tokens > 0 < fake.output_tokens


def test_the_tool_of_the_model_is_an_agent_of_ours(tmp_path: pathlib.Path) -> None:
    with provider(*WEATHER) as fake:
        run("openai_sdk", "How warm is it in Oslo?", fake, tmp_path)
    assert fake.requests[1]["messages"][-1]["content"] == '"Oslo: 4 \\u00b0C, rain"'


@pytest.fixture
def pointed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Points the SDKs of this process at a provider."""

    def point(fake: Provider) -> None:
        for name, value in environment(fake).items():
            monkeypatch.setenv(name, value)

    return point


@pytest.mark.parametrize(
    ("name", "answers"), [("openai_sdk", WEATHER), ("langgraph_agent", WEATHER), ("pydantic_ai_agent", ORDER)]
)
async def test_an_answer_is_paid_for_once(name: str, answers: list[Answer], tmp_path: pathlib.Path) -> None:
    """The provider refuses once in the middle: the next attempt finds the answers that were there, and asks for no more."""
    with provider(answers[0], Refuse(500), *answers[1:]) as fake:
        done = run(name, "12 boxes to Oslo, where it rains?", fake, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (len(fake.requests), fake.left) == (len(answers) + 1, 0)
    async with orchestrator.connect(f"sqlite:{tmp_path}/agents.db") as o:
        [task] = [task async for task in o.list(roots_only=True)]
    assert task.attempt == 2
    assert (task.usage.input_tokens, task.usage.output_tokens) == (fake.input_tokens, fake.output_tokens)


async def test_a_provider_that_asks_for_patience_gets_it(pointed: Any) -> None:
    with provider(Refuse(429, 120), *WEATHER) as fake:
        pointed(fake)
        async with testing.engine([openai_sdk.ask, openai_sdk.weather]) as t:
            task = await t.submit(openai_sdk.ask, "How warm is it?")
            await t.advance(119)
            assert (await task.get()).state == "scheduled"
            await t.advance(2)
            assert await task == "It is 4 °C, and it rains."


async def test_a_request_that_makes_no_sense_is_not_tried_again(pointed: Any) -> None:
    with provider(Refuse(400)) as fake:
        pointed(fake)
        async with testing.engine([openai_sdk.ask]) as t:
            with pytest.raises(orchestrator.TaskFailed, match="scripted: 400") as caught:
                await t.run(openai_sdk.ask, "How warm is it?")
            assert caught.value.error_class == "terminal"
        assert len(fake.requests) == 1


class Application:
    """The web application, in a process of its own."""

    def __init__(self, database: str) -> None:
        command = [sys.executable, str(EXAMPLES / "fastapi_app.py"), "0"]
        settings = {**os.environ, "DATABASE": database}
        self.process = subprocess.Popen(command, env=settings, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        said = ""
        for line in self.process.stderr:
            said += line
            if found := re.search(r"running on (http://\S+)", line):
                self.url = found.group(1)
                return
        self.stop(signal.SIGKILL)
        raise AssertionError(f"it did not start: {said}")

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        code = self.process.wait(30)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


async def test_a_web_application_goes_on_after_it_was_killed(tmp_path: pathlib.Path) -> None:
    text = "This is what is known about tides. "
    application = Application(f"sqlite:{tmp_path}/reports.db")
    try:
        async with httpx.AsyncClient(base_url=application.url) as client:
            assert (await client.get("/reports/none")).status_code == 404
            first = (await client.post("/reports", params={"topic": "tides"})).json()["id"]
            streamed = await client.get(f"/reports/{first}/stream")
            assert streamed.text == text
            assert (await client.get(f"/reports/{first}")).json() == {"state": "succeeded", "text": text}
            # A slow machine may be done with one before it is looked at.
            for _ in range(20):
                second = (await client.post("/reports", params={"topic": "tides"})).json()["id"]
                if (await client.get(f"/reports/{second}")).json()["text"] is None:
                    break
            else:
                pytest.fail("every report was done before it could be looked at")
    finally:
        application.stop(signal.SIGKILL)
    application = Application(f"sqlite:{tmp_path}/reports.db")
    try:
        async with httpx.AsyncClient(base_url=application.url) as client:
            until = time.monotonic() + 60
            while (shown := (await client.get(f"/reports/{second}")).json())["text"] is None:
                assert time.monotonic() < until, shown
                await asyncio.sleep(0.05)
            assert shown == {"state": "succeeded", "text": text}
    finally:
        # uvicorn ends in order, and then by the signal that it got.
        assert application.stop(signal.SIGTERM) in (0, -signal.SIGTERM)


def test_none_is_forgotten() -> None:
    tested = {"openai_sdk", "langgraph_agent", "pydantic_ai_agent", "anthropic_sdk", "fastapi_app"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested
