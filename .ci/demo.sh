#!/usr/bin/env bash
# Builds the command, and nothing else, and lets it review this repository. Safe to repeat: the last report is replaced.
source "$(dirname "$0")/lib.sh"

need_rust
need git git "the review reads a git repository"
# A source archive has no history: give it one, in a copy, so that the demo works there too.
repo=.
out=target/demo
rm -rf "$out"
mkdir -p "$out"
if ! git rev-parse --git-dir >/dev/null 2>&1; then
  say "this is not a git checkout: reviewing a copy that is one"
  repo=$out/repo
  mkdir "$repo"
  tar --exclude=./target --exclude=./.orchestrator -cf - . | tar -xf - -C "$repo"
  git -C "$repo" init --quiet
  git -C "$repo" add --all
  git -C "$repo" -c user.name=demo -c user.email=demo@localhost commit --quiet --message "A copy to review"
fi

step "Building the command 'orchestrator' (the first time takes a minute or two)"
cargo build -p orchestrator-cli --locked
# Asked of cargo, as the target folder may be anywhere.
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

step "Reviewing this repository"
# Not `exec`: Ctrl-C must reach the review first, which then cancels its agents in order.
code=0
"$target/debug/orchestrator" --database "sqlite:$out/demo.db" run code_review --repo "$repo" --out "$out" || code=$?
if [ ! -s "$out/report.md" ]; then die "the review ended with code $code and wrote no report"; fi

step "The report"
head -n 40 "$out/report.md"
lines=$(wc -l <"$out/report.md")
if [ "$lines" -gt 40 ]; then say "... $((lines - 40)) more lines"; fi
printf '\n'
say "for people:   $out/report.md"
say "for programs: $out/report.json"
step_end
exit "$code"
