# Shared by the scripts of this folder: sourced, not run.
# shellcheck shell=bash

set -euo pipefail
# Every script works from the root of the repository, wherever it was called from.
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Says what comes next, and ends the step before it with the time it took.
step() {
  step_end
  step_name=$1
  step_started=$SECONDS
  printf '\n==> %s\n' "$1"
}
step_end() {
  if [ -n "${step_name:-}" ]; then printf '    (%s: %d s)\n' "$step_name" "$((SECONDS - step_started))"; fi
  step_name=
}

say() { printf '    %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# need COMMAND DEBIAN_PACKAGE WHY: installs the package where that is allowed, and otherwise says what to install.
need() {
  if command -v "$1" >/dev/null; then return; fi
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "'$1' is missing ($3): installing the package $2"
    apt-get update -qq || true # stale lists may do
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null ||
      die "could not install $2: install it by hand, then repeat"
  else
    die "'$1' is missing ($3). On Debian or Ubuntu: sudo apt-get install $2"
  fi
}

# What every build needs: Rust of the version that Cargo.toml asks for, and a C compiler for the bundled SQLite.
need_rust() {
  # rustup puts it here, but only a new login shell finds it.
  if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH="$HOME/.cargo/bin:$PATH"; fi
  command -v cargo >/dev/null || die "cargo is missing: install Rust from https://rustup.rs, then repeat"
  local wanted have
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
  have=$(rustc --version | cut -d' ' -f2)
  if [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" != "$wanted" ]; then
    die "Rust $wanted or newer is needed and this is $have: run 'rustup update stable', then repeat"
  fi
  need cc gcc "it compiles the bundled SQLite"
  # gcc without the C library's headers is what a minimal install leaves behind.
  if ! echo '#include <stdio.h>' | cc -E - >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      say "the C library's headers are missing: installing the package libc6-dev"
      apt-get update -qq || true
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libc6-dev >/dev/null
    else
      die "the C library's headers are missing. On Debian or Ubuntu: sudo apt-get install libc6-dev"
    fi
  fi
}
need_component() {
  cargo "$1" --version >/dev/null 2>&1 && return
  say "cargo $1 is missing: adding it with rustup"
  rustup component add "$2" || die "cargo $1 is missing: run 'rustup component add $2', then repeat"
}

# Where PostgreSQL's programs are; nothing where it is not installed.
postgres_bin() {
  local bin
  bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
  if [ -z "$bin" ] && command -v initdb >/dev/null; then bin=$(dirname "$(command -v initdb)"); fi
  printf '%s' "$bin"
}

# PostgreSQL and Redis, which tests start for themselves.
need_services() {
  need redis-server redis-server "the tests of the bus use it"
  if [ -z "$(postgres_bin)" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      say "PostgreSQL is missing (the tests of the store use it): installing the package postgresql"
      apt-get update -qq || true
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
    else
      die "PostgreSQL is missing (the tests of the store use it). On Debian or Ubuntu: sudo apt-get install postgresql"
    fi
  fi
}
