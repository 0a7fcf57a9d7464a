"""What was found, as tables of Markdown."""

from __future__ import annotations

import statistics
from typing import Any, Callable, Iterable, TypedDict

from contenders import Entry
from measure import Spread

#: What is aimed at: times the best durable peer's tasks, and of its latency.
TASKS, START = 3.0, 0.1


class Found(TypedDict):
    """What one turn has found: rates per second, and every sample of what takes milliseconds."""

    tasks: int
    submitted: float
    drained: float
    both: float
    cpu_us: float
    start_ms: list[float]
    result_ms: list[float]
    fan_out_ms: list[float]


def line(entry: Entry, found: Found) -> str:
    """One turn, for who watches."""
    start, fan = Spread(found["start_ms"]), found["fan_out_ms"]
    fanned = f", fan-out {statistics.median(fan):.1f} ms" if fan else ""
    return (
        f"{entry.name}: submitted {found['submitted']:,.0f}/s, drained {found['drained']:,.0f}/s, "
        f"{found['cpu_us']:,.0f} µs of processor a task, start "
        f"{start.median:.2f} ms (p99 {start.at(0.99):.2f}){fanned}"
    )


class Results:
    """All turns."""

    def __init__(self) -> None:
        self._found: dict[Entry, list[Found]] = {}
        self.failures: dict[Entry, str] = {}

    def add(self, entry: Entry, found: Found) -> None:
        """One more turn."""
        self._found.setdefault(entry, []).append(found)

    def fail(self, entry: Entry, message: str) -> None:
        """One that gave nothing."""
        self.failures[entry] = message

    def tables(self) -> str:
        """The tables, and what became of the target. Medians over the rounds, least–most in brackets for what is aimed
        at; the percentiles are over the samples of all rounds."""
        lines = ["", "| no-op tasks | submitted/s | drained/s | both/s (least–most) | of the best durable peer "]
        lines[-1] += "| CPU µs a task | of the best durable peer |"
        lines.append("|---|--:|--:|--:|--:|--:|--:|")
        best, least = self._best("both", max), self._best("cpu_us", min)
        for entry, turns in self._ordered():
            both = [turn["both"] for turn in turns]
            lines.append(
                f"| {entry.name} | {_median(turns, 'submitted'):,.0f} | {_median(turns, 'drained'):,.0f} "
                f"| {statistics.median(both):,.0f} ({min(both):,.0f}–{max(both):,.0f}) "
                f"| {_ratio(statistics.median(both), best)} "
                f"| {_median(turns, 'cpu_us'):,.0f} | {_ratio(_median(turns, 'cpu_us'), least)} |"
            )
        lines += ["", "| one task; 100 children | start p50 / p99 ms | of the best durable peer | result p50 / p99 ms "]
        lines[-1] += "| fan-out and join p50 ms | of the best durable peer |"
        lines.append("|---|--:|--:|--:|--:|--:|")
        start, fan = self._best("start_ms", min), self._best("fan_out_ms", min)
        for entry, turns in self._ordered():
            began, told, fanned = (_all(turns, key) for key in ("start_ms", "result_ms", "fan_out_ms"))
            median = Spread(fanned).median if fanned else None
            lines.append(
                f"| {entry.name} | {_two(began)} | {_ratio(Spread(began).median, start)} | {_two(told)} "
                f"| {'–' if median is None else f'{median:.1f}'} | {'–' if median is None else _ratio(median, fan)} |"
            )
        lines += ["", *self._verdict(best, start)]
        lines += [f"{entry.name} could not be measured: {message}" for entry, message in self.failures.items()]
        return "\n".join(lines)

    def _ordered(self) -> Iterable[tuple[Entry, list[Found]]]:
        return sorted(self._found.items(), key=lambda item: (not item[0].ours, item[0].name))

    def _best(self, key: str, choose: Callable[[Iterable[float]], float]) -> float | None:
        """The best durable peer's median."""
        medians = [
            Spread(_all(turns, key)).median
            for entry, turns in self._found.items()
            if entry.durable and not entry.ours and _all(turns, key)
        ]
        return choose(medians) if medians else None

    def _verdict(self, tasks: float | None, start: float | None) -> Iterable[str]:
        for entry, turns in self._ordered():
            if not (entry.ours and entry.durable) or tasks is None or start is None:
                continue
            rate = _median(turns, "both") / tasks
            share = Spread(_all(turns, "start_ms")).median / start
            yield (
                f"{entry.name}: {rate:.1f} times the tasks/s of the best durable peer (aim: {TASKS:g}, "
                f"{'reached' if rate >= TASKS else 'missed'}), {share:.2f} of its start latency (aim: {START:g}, "
                f"{'reached' if share <= START else 'missed'})"
            )


def _all(turns: list[Found], key: str) -> list[float]:
    values: list[float] = []
    for turn in turns:
        found: Any = turn[key]  # type: ignore[literal-required]
        values += found if isinstance(found, list) else [found]
    return values


def _median(turns: list[Found], key: str) -> float:
    return statistics.median(_all(turns, key))


def _two(values: list[float]) -> str:
    spread = Spread(values)
    return f"{spread.median:.2f} / {spread.at(0.99):.2f}"


def _ratio(value: float, best: float | None) -> str:
    return "–" if not best else f"{value / best:.2f}"
