#!/usr/bin/env bash
# The Python package: builds its module, checks its types, and runs its tests and examples, against a real server too.
# With a private PostgreSQL: .ci/services.sh run .ci/python-test.sh [ARGUMENTS OF PYTEST]
source "$(dirname "$0")/lib.sh"

need_rust
need psql postgresql-client "each test of the Python package makes a database of its own with it"

step "Building the Python module"
python=$(.ci/python.sh)
# Asking for all of it at once makes cargo take the same features of everything as for the other tests, so that nothing
# is built twice.
cargo build --workspace --lib --bin orchestrator-server --bin orchestrator-worker --bin remote_worker \
  --example viewers --locked --quiet
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
case "$(uname -s)" in
  Darwin) built=$target/debug/liborchestrator_python.dylib ;;
  *) built=$target/debug/liborchestrator_python.so ;;
esac
# Beside the Python files, and by a new name first: a program that has loaded the old one keeps it.
module=bindings-python/python/orchestrator/_native.abi3.so
cp "$built" "$module.new" && mv "$module.new" "$module"
export PYTHONPATH=$PWD/bindings-python/python ORCHESTRATOR_TEST_BINARIES=$target/debug
cd bindings-python

step "Types: mypy (strict), the stub beside the module, pyright"
"$python/mypy" --no-error-summary
"$python/python" -m mypy.stubtest orchestrator._native >/dev/null || "$python/python" -m mypy.stubtest orchestrator._native
"$python/basedpyright" -p . --pythonpath "$python/python" || die "pyright is not content (above)"

step "Tests and examples of the Python package"
"$python/python" -m pytest -q -p no:cacheprovider "$@"
step_end
