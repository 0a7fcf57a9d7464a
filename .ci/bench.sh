#!/usr/bin/env bash
# The benchmark, with the peers: ARGS are passed on (make bench ARGS="throughput --rounds 5"). docs/benchmarks.md explains.
source "$(dirname "$0")/lib.sh"

need_rust
step "Building the benchmark and the peers (release)"
cargo build -p orchestrator-bench --release --features peers --locked
step "Measuring (compare within this run only; a busy machine shows in the calibration lines)"
cargo run -p orchestrator-bench --release --features peers --locked --quiet -- "$@"
if [ $# = 0 ]; then
  # Each in a process of its own: memory that another one gave back would count.
  for contender in "in memory, verbs" "on SQLite, verbs"; do
    cargo run -p orchestrator-bench --release --features peers --locked --quiet -- memory --rounds 1 --only "$contender"
  done
fi
step_end
