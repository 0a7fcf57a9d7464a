#!/usr/bin/env bash
# Formatting, lints and documentation: everything that is judged without running anything.
source "$(dirname "$0")/lib.sh"

need_rust
need_component fmt rustfmt
need_component clippy clippy

step "Formatting"
cargo fmt --all --check || die "not formatted: run 'make fmt'"

step "Lints, of everything that is built"
cargo clippy --workspace --all-targets --locked --quiet -- -D warnings

step "The parts that must build alone: the vocabulary, and the core without SQLite"
# In the whole workspace features add up, so that a missing one is hidden by a neighbour who asks for it.
cargo clippy -p orchestrator-protocol --no-default-features --locked --quiet -- -D warnings
cargo clippy -p orchestrator-core --no-default-features --locked --quiet -- -D warnings

step "Documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

step "Scripts"
if command -v shellcheck >/dev/null; then
  shellcheck .ci/run .ci/*.sh
else
  say "not checked: shellcheck is not installed"
fi
step_end
