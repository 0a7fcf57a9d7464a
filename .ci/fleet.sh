#!/usr/bin/env bash
# A fleet on this machine: a private PostgreSQL and Redis, two servers on them, three workers. It runs until Ctrl-C and leaves nothing
# behind. Whatever of it is killed is started again after a few seconds, as systemd would do it. With arguments, a command is run
# against it instead, and the fleet ends with it:
#   .ci/fleet.sh target/debug/orchestrator submit code_review --repo . --wait
source "$(dirname "$0")/lib.sh"

if [ "${1:-}" != --inside ]; then
  need_rust
  need git git "the review reads a git repository"
  step "Building the servers, the workers and the command (the first time takes some minutes)"
  cargo build -p orchestrator-server -p orchestrator-worker -p orchestrator-cli --locked
  step_end
  exec .ci/services.sh run "$0" --inside "$@"
fi
shift

# What the caller has set for servers of their own is not meant for these; a model is.
for name in "${!ORCHESTRATOR_@}"; do
  case $name in ORCHESTRATOR_TEST_* | ORCHESTRATOR_MODEL*) ;; *) unset "$name" ;; esac
done

# How long what was killed stays away: long enough to be missed.
AWAY=5
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
bin=$target/debug
logs=$(mktemp -d "${TMPDIR:-/tmp}/orchestrator-fleet.XXXXXX")
declare -A pid gone # of server-1, worker-2, ...
urls=()
servers=(server-1 server-2) workers=(worker-1 worker-2 worker-3)

# Ends processes: asks first, and after SECONDS does not ask any more.
end() {
  local seconds=$1 name process from=$SECONDS
  shift
  for name in "$@"; do kill "${pid[$name]:-}" 2>/dev/null || true; done
  for name in "$@"; do
    process=${pid[$name]:-}
    [ -n "$process" ] || continue
    while kill -0 "$process" 2>/dev/null; do
      if [ $((SECONDS - from)) -ge "$seconds" ]; then kill -9 "$process" 2>/dev/null || true; fi
      sleep 0.1
    done
  done
}
stop() {
  trap - EXIT
  # Whatever goes wrong from here on, the rest is to be ended too: a terminal that was closed takes not even a line.
  set +e
  # Another Ctrl-C hurries the workers, which hear it themselves, and must not keep us from seeing to the rest.
  trap '' INT TERM HUP
  printf '\n'
  say "stopping"
  # Workers first: they give back what they hold.
  end 8 "${workers[@]}"
  end 8 "${servers[@]}"
  rm -rf "$logs"
}
trap stop EXIT
trap 'exit 130' INT TERM
trap 'exec >/dev/null 2>&1; exit 129' HUP

start_server() {
  local n=$1 listen=127.0.0.1:0 flags=()
  # Where it was, if it was.
  if [ -n "${urls[n - 1]:-}" ]; then listen=${urls[n - 1]#http://}; fi
  if [ -e target/dashboard/index.html ]; then flags=(--dashboard target/dashboard); fi
  "$bin/orchestrator-server" --listen "$listen" --database "$ORCHESTRATOR_TEST_POSTGRES" --redis "$ORCHESTRATOR_TEST_REDIS" \
    --shutdown-s 5 "${flags[@]}" >"$logs/server-$n.out" 2>>"$logs/server-$n.log" &
  pid[server-$n]=$!
  # Or bash tells of its death in words of its own.
  disown $!
}
start_worker() {
  "$bin/orchestrator-worker" --server "$both" --slots 4 --name "worker-$1" --local --drain-s 3 --grace-s 3 \
    --state "$logs/worker-$1.json" 2>>"$logs/worker-$1.log" &
  pid[worker-$1]=$!
  disown $!
}
# Starts again what is gone. Asked every second.
revive() {
  local name
  for name in "${servers[@]}" "${workers[@]}"; do
    if kill -0 "${pid[$name]}" 2>/dev/null; then continue; fi
    if [ -z "${gone[$name]:-}" ]; then
      gone[$name]=$SECONDS
      say "$name (process ${pid[$name]}) is gone, and will be back in $AWAY s; the others go on"
    elif [ $((SECONDS - gone[$name])) -ge "$AWAY" ]; then
      unset "gone[$name]"
      "start_${name%-*}" "${name#*-}"
      say "$name is back as process ${pid[$name]}"
    fi
  done
  .ci/services.sh revive "$ORCHESTRATOR_TEST_SERVICES"
}

step "Starting two servers on one PostgreSQL and one Redis"
for n in 1 2; do
  start_server "$n"
  for _ in $(seq 600); do
    if [ -s "$logs/server-$n.out" ]; then break; fi
    kill -0 "${pid[server-$n]}" 2>/dev/null || die "server $n ended: $(cat "$logs/server-$n.log")"
    sleep 0.1
  done
  urls+=("$(sed 's/.* //' "$logs/server-$n.out")")
done
both=${urls[0]},${urls[1]}
export ORCHESTRATOR_URL=$both

step "Starting three workers"
for n in 1 2 3; do start_worker "$n"; done
online=0
for _ in $(seq 300); do
  online=$({ "$bin/orchestrator" workers --json || true; } | { grep -o '"state":"online"' || true; } | wc -l)
  if [ "$online" = 3 ]; then break; fi
  for name in "${workers[@]}"; do
    kill -0 "${pid[$name]}" 2>/dev/null || die "$name ended: $(cat "$logs/$name.log")"
  done
  sleep 0.1
done
[ "$online" = 3 ] || die "only $online of 3 workers are online: see $(tail -n 5 "$logs"/worker-*.log)"

if [ $# -gt 0 ]; then
  step "$*"
  "$@"
  exit
fi
step "The fleet runs until Ctrl-C"
say "server-1    process ${pid[server-1]}  ${urls[0]}"
say "server-2    process ${pid[server-2]}  ${urls[1]}"
for name in "${workers[@]}"; do say "$name    process ${pid[$name]}  4 slots"; done
say "PostgreSQL  process $(head -n 1 "$ORCHESTRATOR_TEST_SERVICES/postgres/data/postmaster.pid")  $ORCHESTRATOR_TEST_POSTGRES"
say "Redis       process $(cat "$ORCHESTRATOR_TEST_SERVICES/redis/pid")  $ORCHESTRATOR_TEST_REDIS"
if [ -e target/dashboard/index.html ]; then say "dashboard   ${urls[0]}/"; else say "dashboard   none: \`make web\` builds it (about five minutes the first time)"; fi
say "logs        $logs"
printf '\n    In another terminal, in this folder:\n'
say "  export ORCHESTRATOR_URL=$both PATH=\"$bin:\$PATH\""
say "  orchestrator submit code_review --repo . --wait      # a review of this repository, by all three workers"
say "  orchestrator workers"
printf '    Meanwhile kill -9 any of the processes above: what it did goes on elsewhere, and it is back after some seconds.\n\n'
# Where make leads the session (ssh -t, a pane of tmux), it alone hears that the terminal is gone, and waits for us.
terminal=false
if [ -t 1 ]; then terminal=true; fi
while :; do
  if $terminal && ! [ -t 1 ]; then
    exec >/dev/null 2>&1
    exit 129
  fi
  revive
  # In the background, so that a signal is heard at once.
  sleep 1 &
  wait $! || true
done
