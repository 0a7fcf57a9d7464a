#!/usr/bin/env bash
# Builds the app for browsers into target/dashboard, for a server to show (--dashboard target/dashboard) or to be built with
# (ORCHESTRATOR_DASHBOARD=target/dashboard). The first time takes about five minutes on two cores.
#
#   --fast  for tests: larger and slower, into target/dashboard-test, in a third of the time when something was changed
source "$(dirname "$0")/lib.sh"

profile=web out=target/dashboard how=()
if [ "${1:-}" = --fast ]; then profile=web-test out=target/dashboard-test how=(--fast --limit 20000000); fi

need_rust
step "The WebAssembly target"
environment=$(.ci/web-toolchain.sh)

step "Building the app for browsers ($profile)"
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
env ${environment:+"$environment"} cargo build --manifest-path desktop/web/Cargo.toml --profile "$profile" \
  --target-dir "$target" --target wasm32-unknown-unknown --locked

step "Making the files that a browser loads"
# For tests with the same features of everything as they are built with, so that nothing is built twice.
which=(-p orchestrator-bundle)
if [ "$profile" = web-test ]; then which=(--workspace --bin orchestrator-bundle --example viewers); fi
cargo build "${which[@]}" --quiet --locked
"$target/debug/orchestrator-bundle" ${how[@]+"${how[@]}"} \
  "$target/wasm32-unknown-unknown/$profile/orchestrator-web.wasm" "$out"
step_end
say "made $out: a server shows it that is started with --dashboard $out"
