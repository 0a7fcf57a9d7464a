#!/usr/bin/env bash
# The app against a real server with agents at work: in a browser, and as a window on a screen in memory.
#
#   e2e.sh smoke    tries what people do every day, and what goes wrong
#   e2e.sh screens  pictures every screen into docs/screenshots
#   e2e.sh stage    starts a server with agents at work, for whoever wants to look at it, until Ctrl-C
#   e2e.sh bench    measures it; the numbers go to docs/benchmarks.md by hand
#
#   E2E_WINDOW=no   in a browser only
source "$(dirname "$0")/lib.sh"

what=${1:-smoke}
need_rust
need chromium chromium "it shows the app as people see it in a browser"
# What is measured is what people get.
if [ "$what" = bench ]; then
  .ci/web.sh
  dashboard=target/dashboard folder=release
else
  .ci/web.sh --fast
  dashboard=target/dashboard-test folder=debug
fi
if [ "${E2E_WINDOW:-yes}" != no ]; then
  need Xvfb xvfb "it is the screen that the app's window is opened on"
  need xdotool xdotool "it clicks and types"
fi
step "Building the server, the window and what tries them"
if [ "$what" = bench ]; then
  cargo build -p orchestrator-server -p orchestrator-e2e -p orchestrator-desktop --bins --features orchestrator-desktop/gpu \
    --locked --quiet --release
else
  # As in contract.sh: with the same features of everything as for the tests, so that nothing is built twice.
  cargo build --workspace --bin orchestrator-server --bin orchestrator-e2e --bin orchestrator-desktop --example viewers \
    --locked --quiet
fi
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
window=()
if [ "${E2E_WINDOW:-yes}" != no ]; then window=(--desktop "$target/$folder/orchestrator-desktop"); fi

step "The app, end to end ($what)"
limit=(timeout 1200)
if [ "$what" = stage ]; then limit=(); fi
${limit[@]+"${limit[@]}"} "$target/$folder/orchestrator-e2e" "$what" --server "$target/$folder/orchestrator-server" \
  --dashboard "$PWD/$dashboard" ${window[@]+"${window[@]}"} "${@:2}"
step_end
