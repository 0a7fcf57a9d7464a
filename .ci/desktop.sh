#!/usr/bin/env bash
# Opens the app as a window. What is given goes to it: `make desktop ARGS="--server http://127.0.0.1:8080"`.
source "$(dirname "$0")/lib.sh"

need_rust
if [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  die "there is no screen to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set); 'make dev' shows the same in a browser"
fi
step "Building the app (the first time takes a few minutes)"
cargo build -p orchestrator-desktop --features gpu --locked
step_end
exec cargo run -p orchestrator-desktop --features gpu --quiet --locked -- "$@"
