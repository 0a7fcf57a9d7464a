#!/usr/bin/env bash
# A client that is made from the API's document (schemathesis) calls a real server in every way that the document allows
# and in many that it does not: no answer is a 5xx, every answer is one that the document has. Once on SQLite, and once on
# PostgreSQL where ORCHESTRATOR_TEST_POSTGRES names one (`.ci/services.sh run .ci/contract.sh`).
#
#   CONTRACT_SECONDS  how long it calls each of them, 40 by default
#   CONTRACT_SEED     where its dice begin, 7 by default
source "$(dirname "$0")/lib.sh"

need_rust
need curl curl "it prepares the server for the client that is made from the document"
step "Calling every operation of the document"
python=$(.ci/python.sh)
# Asking for an example too makes cargo take the same features of everything as for the tests, so that nothing is built twice.
cargo build --workspace --bin orchestrator-server --example viewers --locked --quiet
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

work=$(mktemp -d "${TMPDIR:-/tmp}/orchestrator-contract.XXXXXX")
server=
stop() {
  trap - INT TERM
  if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; fi
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM
export ORCHESTRATOR_ADMIN_TOKEN=the-admin-of-the-contract-tests

# call DATABASE: starts a server on it and lets the client loose.
call() {
  : >"$work/out"
  "$target/debug/orchestrator-server" --listen 127.0.0.1:0 --database "$1" >"$work/out" 2>"$work/log" &
  server=$!
  for _ in $(seq 200); do
    if [ -s "$work/out" ]; then break; fi
    kill -0 "$server" 2>/dev/null || die "the server ended: $(cat "$work/log")"
    sleep 0.1
  done
  local url
  url=$(sed 's/.* //' "$work/out")
  # Something to meet for those who guess well.
  for task in '{"task_type":"external"}' '{"task_type":"checkpoint","input":{"question":"?"}}' '{"task_type":"a"}'; do
    curl -fsS -o /dev/null -H "authorization: Bearer $ORCHESTRATOR_ADMIN_TOKEN" -H 'content-type: application/json' \
      -d "$task" "$url/api/v1/tasks"
  done
  (
    cd "$work"
    "$python/schemathesis" --config-file "$OLDPWD/.ci/schemathesis.toml" run "$url/openapi.json" \
      --url "$url/api/v1" --seed "${CONTRACT_SEED:-7}" --max-time "${CONTRACT_SECONDS:-40}" --generation-database none \
      --no-color
  ) >"$work/said" 2>&1 || {
    cat "$work/said"
    die "the server and its document do not agree (above); the server's log: $(tail -n 5 "$work/log")"
  }
  kill -0 "$server" 2>/dev/null || die "the server ended: $(cat "$work/log")"
  if grep -E 'panicked|a request made the server panic|a request failed' "$work/log"; then
    die "the server's log tells of a defect (above)"
  fi
  say "$2: $(grep -E 'generated|passed' "$work/said" | tail -n 1 | sed 's/^ *//')"
  kill "$server" && wait "$server"
  server=
}

call "sqlite:$work/contract.db" SQLite
if [ -n "${ORCHESTRATOR_TEST_POSTGRES:-}" ]; then
  call "$ORCHESTRATOR_TEST_POSTGRES" PostgreSQL
else
  say "not on PostgreSQL: ORCHESTRATOR_TEST_POSTGRES names none"
fi
step_end
