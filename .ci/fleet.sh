#!/usr/bin/env bash
# A fleet on this machine: a private PostgreSQL and Redis, two servers on them, three workers. It runs until Ctrl-C and leaves nothing
# behind. With arguments, a command is run against it instead, and the fleet ends with it:
#   .ci/fleet.sh target/debug/orchestrator submit code_review --repo . --wait
source "$(dirname "$0")/lib.sh"

if [ "${1:-}" != --inside ]; then
  need_rust
  step "Building the servers, the workers and the command"
  cargo build -p orchestrator-server -p orchestrator-worker -p orchestrator-cli --locked
  step_end
  exec .ci/services.sh run "$0" --inside "$@"
fi
shift

target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
bin=$target/debug
logs=$(mktemp -d "${TMPDIR:-/tmp}/orchestrator-fleet.XXXXXX")
pids=()
stop() {
  trap - INT TERM
  # Workers first: they give back what they hold.
  for pid in $(printf '%s\n' "${pids[@]}" | sort -rn); do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$logs"
}
trap stop EXIT
trap 'exit 130' INT TERM

urls=()
step "Starting two servers on one PostgreSQL and one Redis"
for n in 1 2; do
  "$bin/orchestrator-server" --listen 127.0.0.1:0 --database "$ORCHESTRATOR_TEST_POSTGRES" --redis "$ORCHESTRATOR_TEST_REDIS" \
    >"$logs/server-$n.out" 2>"$logs/server-$n.log" &
  pids+=($!)
  for _ in $(seq 200); do
    if [ -s "$logs/server-$n.out" ]; then break; fi
    kill -0 "${pids[-1]}" 2>/dev/null || die "server $n ended: $(cat "$logs/server-$n.log")"
    sleep 0.1
  done
  urls+=("$(sed 's/.* //' "$logs/server-$n.out")")
  say "server $n (process ${pids[-1]}): ${urls[-1]}"
done
both=${urls[0]},${urls[1]}

step "Starting three workers"
for n in 1 2 3; do
  "$bin/orchestrator-worker" --server "$both" --slots 4 --name "worker-$n" --local --state "$logs/worker-$n.json" 2>"$logs/worker-$n.log" &
  pids+=($!)
  say "worker $n (process ${pids[-1]})"
done
export ORCHESTRATOR_URL=$both
for _ in $(seq 200); do
  if [ "$("$bin/orchestrator" workers --json | grep -o '"state":"online"' | wc -l)" = 3 ]; then break; fi
  sleep 0.1
done

if [ $# -gt 0 ]; then
  step "$*"
  "$@"
  exit
fi
step "The fleet runs until Ctrl-C. In another terminal:"
say "export ORCHESTRATOR_URL=$both"
say "$bin/orchestrator submit code_review --repo . --wait"
say "$bin/orchestrator workers"
say "kill -9 any of the processes above: what it did goes on elsewhere"
say "logs: $logs"
wait
