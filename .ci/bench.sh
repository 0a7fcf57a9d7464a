#!/usr/bin/env bash
# The benchmarks, with the peers: ARGS are passed on. docs/benchmarks.md explains.
#   make bench                                     embedded and fleet, everything
#   make bench ARGS="throughput --rounds 5"        one scenario of the embedded benchmark
#   make bench ARGS="fleet http --rounds 1"        one scenario of the fleet's; `fleet` alone: all of them
#   make bench ARGS="viewers"                      how soon 500 viewers of two servers see what 200 tasks on ten workers say
#   make bench ARGS="python --rounds 1"            the Python bindings, beside Celery, Dramatiq, Procrastinate and DBOS
source "$(dirname "$0")/lib.sh"

embedded() {
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
}

# What is missing is said by the scenario that wants it, and the others go on.
optional() {
  if command -v "$1" >/dev/null || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then return; fi
  say "'$1' is missing: installing $2"
  apt-get update -qq || true
  # shellcheck disable=SC2086 # several packages
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $2 >/dev/null || say "could not install $2"
}

fleet() {
  step "Building the server and the fleet's benchmark (release)"
  cargo build -p orchestrator-server -p orchestrator-fleet-bench --release --locked
  optional wrk wrk
  optional go "golang-go golang-github-gin-gonic-gin-dev"
  local target
  target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
  step "Measuring the fleet (compare within this run only; a busy machine shows in the calibration lines)"
  ulimit -n "$(ulimit -Hn)"
  ORCHESTRATOR_SERVICES=durable .ci/services.sh run "$target/release/orchestrator-fleet-bench" --folder "$target/bench" "$@"
}

viewers() {
  step "Building the server and the viewers (release)"
  cargo build -p orchestrator-server --release --locked --bin orchestrator-server --example viewers
  ORCHESTRATOR_SERVICES=durable .ci/services.sh run .ci/bench.sh --watched "$@"
}

# Two servers on a private PostgreSQL and Redis, and those who watch them.
watched() {
  local target here n urls=() servers=()
  target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
  here=$(mktemp -d "${TMPDIR:-/tmp}/orchestrator-viewers.XXXXXX")
  # shellcheck disable=SC2064 # the folder of now
  trap "kill \$(jobs -p) 2>/dev/null; wait; rm -rf '$here'" EXIT
  ulimit -n "$(ulimit -Hn)"
  for n in 1 2; do
    "$target/release/orchestrator-server" --listen 127.0.0.1:0 --database "$ORCHESTRATOR_TEST_POSTGRES" --redis "$ORCHESTRATOR_TEST_REDIS" \
      >"$here/$n.out" 2>"$here/$n.log" &
    servers+=($!)
    until [ -s "$here/$n.out" ]; do
      kill -0 "${servers[-1]}" 2>/dev/null || die "server $n ended: $(cat "$here/$n.log")"
      sleep 0.1
    done
    urls+=("$(sed 's/.* //' "$here/$n.out")")
  done
  step "Watching ${urls[*]}"
  "$target/release/examples/viewers" --servers "${urls[0]},${urls[1]}" "$@"
}

bindings() {
  step "Building the Python bindings (release), and installing what they are compared with"
  local programs wheels=target/bench-python/wheels
  programs=$(.ci/python.sh target/bench-python bindings-python/bench/requirements.txt)
  rm -rf "$wheels"
  "$programs/maturin" build --release --locked --quiet --manifest-path bindings-python/Cargo.toml --out "$wheels"
  "$programs/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheels"/*.whl
  step "Measuring the bindings (compare within this run only; a busy machine shows in the calibration lines)"
  ORCHESTRATOR_SERVICES=durable .ci/services.sh run "$programs/python" bindings-python/bench "$@"
}

need_rust
case "${1:-}" in
  "")
    embedded
    fleet
    ;;
  fleet)
    shift
    fleet "$@"
    ;;
  viewers)
    shift
    viewers "$@"
    ;;
  --watched)
    shift
    watched "$@"
    ;;
  python)
    shift
    bindings "$@"
    ;;
  *) embedded "$@" ;;
esac
step_end
