#!/usr/bin/env bash
# The app against a real server with agents at work: in a browser, and as a window on a screen in memory.
#
#   e2e.sh smoke    tries what people do every day, and what goes wrong
#   e2e.sh screens  pictures every screen into docs/screenshots
#   e2e.sh bench    measures it; the numbers go to docs/benchmarks.md by hand
#
#   E2E_WINDOW=no   in a browser only, so that the app is not built for this machine too
source "$(dirname "$0")/lib.sh"

what=${1:-smoke}
need_rust
need chromium chromium "it shows the app as people see it in a browser"
release=() folder=debug
if [ "$what" = bench ]; then release=(--release) folder=release; fi

# What is measured is what people get, and pictures are made of it too where it is there.
if [ "$what" = bench ]; then
  .ci/web.sh
  dashboard=target/dashboard
else
  .ci/web.sh --fast
  dashboard=target/dashboard-test
fi
programs=(-p orchestrator-server -p orchestrator-e2e)
window=()
if [ "${E2E_WINDOW:-yes}" != no ]; then
  need Xvfb xvfb "it is the screen that the app's window is opened on"
  need xdotool xdotool "it clicks and types"
  programs+=(-p orchestrator-desktop)
fi
step "Building the server and what tries it"
cargo build "${programs[@]}" --bins --locked --quiet ${release[@]+"${release[@]}"}
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
if [ "${E2E_WINDOW:-yes}" != no ]; then window=(--desktop "$target/$folder/orchestrator-desktop"); fi

step "The app, end to end ($what)"
timeout 1200 "$target/$folder/orchestrator-e2e" "$what" --server "$target/$folder/orchestrator-server" \
  --dashboard "$PWD/$dashboard" ${window[@]+"${window[@]}"} "${@:2}"
step_end
