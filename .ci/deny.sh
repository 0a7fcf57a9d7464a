#!/usr/bin/env bash
# Checks the dependencies: licences, sources, crates we do without, and published security advisories.
# The first run builds cargo-deny into target/tools (about three minutes on two cores); later ones take a second.
source "$(dirname "$0")/lib.sh"

version=0.20.2 # newer ones may judge differently: changed on purpose, together with .deny.toml
need_rust
need git git "cargo-deny fetches the advisories with it"

mkdir -p target
deny=$(command -v cargo-deny || true)
if [ -z "$deny" ]; then
  deny=$PWD/target/tools/bin/cargo-deny
  if [ "$("$deny" --version 2>/dev/null || true)" != "cargo-deny $version" ]; then
    step "Building cargo-deny $version into target/tools (once)"
    cargo install cargo-deny --version "$version" --locked --quiet --root target/tools
  fi
fi

step "Licences, sources and unwanted crates"
"$deny" --locked --config .deny.toml check --hide-inclusion-graph bans licenses sources

step "Security advisories"
# Offline is no reason to fail, and no reason to be silent either.
if "$deny" --locked --config .deny.toml fetch db >target/advisories.log 2>&1; then
  "$deny" --locked --config .deny.toml check --hide-inclusion-graph advisories
else
  say "NOT CHECKED: the advisory database could not be fetched (target/advisories.log says why)."
fi
step_end
