#!/usr/bin/env bash
# Every test of every crate, the examples and the documentation's examples included, with a private PostgreSQL and Redis.
source "$(dirname "$0")/lib.sh"

need_rust
need git git "the code review's tests make repositories"

if cargo nextest --version >/dev/null 2>&1; then
  step "Tests (cargo nextest)"
  cargo nextest run --workspace --locked --no-run --cargo-quiet </dev/null
  .ci/services.sh run cargo nextest run --workspace --locked --no-fail-fast --no-tests=pass </dev/null
  step "Examples in the documentation"
  cargo test --workspace --doc --locked </dev/null
else
  step "Tests, and the examples in the documentation"
  cargo test --workspace --locked --no-run --quiet </dev/null
  .ci/services.sh run cargo test --workspace --locked </dev/null
fi
step_end

.ci/services.sh run .ci/contract.sh
.ci/services.sh run .ci/python-test.sh
.ci/e2e.sh smoke
