#!/usr/bin/env bash
# Builds the wheel of the Python package, for every Python from 3.10 on, into target/wheels; then installs it into an empty
# virtual environment and runs the smallest example with it.
source "$(dirname "$0")/lib.sh"

need_rust
python=$(.ci/python.sh)

step "Building the wheel (release)"
rm -rf target/wheels
"$python/maturin" build --release --locked --manifest-path bindings-python/Cargo.toml --out target/wheels --quiet
wheel=$(find target/wheels -name '*.whl')
say "$wheel"

step "Trying it in an empty environment"
empty=$(mktemp -d "${TMPDIR:-/tmp}/orchestrator-wheel.XXXXXX")
trap 'rm -rf "$empty"' EXIT
"$python/python" -m venv "$empty/venv"
"$empty/venv/bin/pip" install --quiet --disable-pip-version-check --no-index "$wheel"
said=$(cd "$empty" && ./venv/bin/python "$OLDPWD/examples/python/hello.py")
[ "$said" = "hello ada" ] || die "the example said: $said"
say "it says: $said"
step_end
