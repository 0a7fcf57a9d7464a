#!/usr/bin/env bash
# The lints and tests of the app, which `make test` leaves out for now.
source "$(dirname "$0")/lib.sh"

need_rust
which=()
for crate in "${APP[@]}"; do which+=(-p "$crate"); done
step "Lints of the app"
cargo clippy "${which[@]}" --all-targets --locked --quiet -- -D warnings
step "Tests of the app"
ICED_TEST_BACKEND=tiny-skia cargo test "${which[@]}" --locked </dev/null
step_end
