#!/usr/bin/env bash
# Builds the wheel of the Python package, for every Python from 3.10 on, into target/wheels; then installs it into an empty
# virtual environment and runs the examples with it, as a user does.
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
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
export ORCHESTRATOR_TEST_BINARIES=${ORCHESTRATOR_TEST_BINARIES:-$target/debug} ORCHESTRATOR_TEST_PYTHON=$empty/venv/bin/python
which=()
for program in orchestrator-server orchestrator-worker remote_worker; do
  if [ ! -x "$ORCHESTRATOR_TEST_BINARIES/$program" ]; then which=(-k "not remote_worker and not both_ways"); fi
done
if [ ${#which[@]} != 0 ]; then say "without the two examples that need a server: make python builds one, and runs them"; fi
"$python/python" -m pytest -q -p no:cacheprovider --rootdir bindings-python -c bindings-python/pyproject.toml \
  "${which[@]}" bindings-python/tests/test_examples.py
step_end
