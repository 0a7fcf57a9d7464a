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

step "The parts that must build alone: the vocabulary, the core without SQLite, the client as a browser has it"
# In the whole workspace features add up, so that a missing one is hidden by a neighbour who asks for it.
cargo clippy -p orchestrator-protocol --no-default-features --locked --quiet -- -D warnings
cargo clippy -p orchestrator-core --no-default-features --locked --quiet -- -D warnings
cargo clippy -p orchestrator-client --no-default-features --locked --quiet -- -D warnings
# What the client would bring into a browser: nothing that opens sockets or asks a system for anything.
web=$(cargo tree -p orchestrator-client --no-default-features --target wasm32-unknown-unknown --edges normal --prefix none --locked --quiet)
if grep -E '^(mio|socket2|tokio|tokio-tungstenite|hyper|rustls|orchestrator-core) ' <<<"$web"; then
  die "the client without its feature 'native' brings these, which a browser does not have"
fi

# And that it is complete there, where this machine can compile for one.
mkdir -p target
if environment=$(.ci/web-toolchain.sh 2>target/web-toolchain.log); then
  env ${environment:+"$environment"} cargo check -p orchestrator-client --no-default-features \
    --target wasm32-unknown-unknown --locked --quiet
else
  say "not checked for browsers: $(tail -n 1 target/web-toolchain.log)"
fi

step "Documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

step "Scripts"
if command -v shellcheck >/dev/null; then
  shellcheck .ci/run .ci/*.sh
else
  say "not checked: shellcheck is not installed"
fi
step_end
