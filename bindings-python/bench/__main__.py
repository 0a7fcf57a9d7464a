"""Measures the bindings against what Python has for durable tasks, all in one run: ``make bench ARGS="python"``."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import contenders
import report
from contenders import ENTRIES, Entry
from measure import calibration

HERE = pathlib.Path(__file__).parent


def main() -> int:
    """Takes turns, round after round, and prints the tables."""
    options = _options()
    entries = [entry for entry in ENTRIES if not options.only or options.only.lower() in entry.name.lower()]
    if not entries:
        names = ", ".join(entry.name for entry in ENTRIES)
        print(f"error: --only {options.only}: there are {names}", file=sys.stderr)
        return 2
    try:
        contenders.must_be_durable()
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    options.folder.mkdir(parents=True, exist_ok=True)
    results = report.Results()
    begun = time.monotonic()
    for number in range(options.rounds):
        if time.monotonic() - begun > options.within:
            print(f"no round is begun after {options.within:g} s: {number} of {options.rounds} were taken")
            break
        machine = {**calibration(options.folder), **contenders.commits(options.folder.resolve())}
        print(f"round {number + 1}: " + ", ".join(f"{name} {ms:.2f} ms" for name, ms in machine.items()), flush=True)
        # Each round begins with another one: what the machine does meanwhile meets all of them alike.
        first = number * len(entries) // options.rounds
        for entry in [*entries[first:], *entries[:first]]:
            try:
                found = _turn(entry, options)
            except RuntimeError as error:
                results.fail(entry, str(error))
                print(f"  {entry.name}: {error}", flush=True)
                continue
            results.add(entry, found)
            print(f"  {report.line(entry, found)}", flush=True)
            if options.json:
                with options.json.open("a") as out:
                    out.write(json.dumps({"contender": entry.name, "round": number, **found}) + "\n")
    print(f"load of the machine in the end: {os.getloadavg()[0]:.1f}", results.tables(), sep="\n")
    return 1 if results.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='make bench ARGS="python', description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each takes its turn (default: 3)")
    parser.add_argument("--within", type=float, default=float("inf"), help="begin no round after so many seconds")
    parser.add_argument("--only", help="only contenders with this in their name")
    parser.add_argument("--scale", type=float, default=1.0, help="times so many tasks (default: 1)")
    parser.add_argument("--samples", type=int, default=200, help="single tasks for the latency (default: 200)")
    parser.add_argument("--json", type=pathlib.Path, help="append every turn to this file, a line of JSON each")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("target/bench"), help="on a disk")
    return parser.parse_args()


def _turn(entry: Entry, options: argparse.Namespace) -> report.Found:
    """One turn. Raises ``RuntimeError`` with the last words of a contender that fails."""
    settings = {
        "tasks": max(1, int(entry.tasks * options.scale)),
        "samples": options.samples,
        "fan_outs": entry.fan_outs,
    }
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = pathlib.Path(made).resolve()
        with contenders.storage(entry, folder) as url:
            environment = {
                **os.environ,
                "BENCH_URL": url,
                "BENCH_MARKS": str(folder / "marks"),
                "BENCH_TURN": json.dumps(settings),
            }
            command = [sys.executable, str(HERE / entry.program), url]
            try:
                done = subprocess.run(
                    command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
                )
            except subprocess.TimeoutExpired:
                raise RuntimeError("was not done after 600 s") from None
        if done.returncode != 0:
            log = folder / "worker.log"
            said = done.stderr + (log.read_text() if log.exists() else "")
            raise RuntimeError(f"failed: {' | '.join(said.strip().splitlines()[-3:])}")
        found: report.Found = json.loads(done.stdout.splitlines()[-1])
        return found


if __name__ == "__main__":
    sys.exit(main())
