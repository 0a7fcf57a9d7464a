#!/usr/bin/env bash
# A server, a worker and the dashboard, at http://127.0.0.1:8080/ until Ctrl-C: `orchestrator dev` with what `make web` built.
# The dashboard is built when it is not there, or older than its sources.
source "$(dirname "$0")/lib.sh"

need_rust
made=target/dashboard/index.html
if [ ! -e "$made" ] || [ -n "$(find desktop orchestrator-core/client orchestrator-core/protocol Cargo.lock -newer "$made" -type f -print -quit)" ]; then
  .ci/web.sh
fi
step "Building the command 'orchestrator'"
cargo build -p orchestrator-cli --locked
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
step_end
# What it keeps is in target/dev, so that `make clean` takes it away.
mkdir -p target/dev
exec "$target/debug/orchestrator" --database sqlite:target/dev/orchestrator.db dev --dashboard target/dashboard "$@"
