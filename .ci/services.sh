#!/usr/bin/env bash
# A private PostgreSQL and a private Redis for the tests, on free ports, in a temporary folder; they go when they are no
# longer needed, whatever happens.
#
#   .ci/services.sh run CMD...   run a command with both, then stop them
#   .ci/services.sh start        start both and leave them running; prints what to export
#   .ci/services.sh stop FOLDER  stop what `start` started
#   .ci/services.sh revive FOLDER  start again what was killed; says what that was
#
# The command finds them by
#   ORCHESTRATOR_TEST_POSTGRES   the URL of a maintenance database, as a user who may create others: each test makes its own
#   ORCHESTRATOR_TEST_REDIS      the URL of the Redis, of which each test uses keys of its own
#   ORCHESTRATOR_TEST_SERVICES   the folder of both
#
# With ORCHESTRATOR_SERVICES=durable both sync to the disk, as they would for users: that is for benchmarks.
source "$(dirname "$0")/lib.sh"

# PostgreSQL refuses to run as root: as root it runs as the user who comes with its package.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$folder" "$@"
  else
    "$@"
  fi
}

# A port that nobody listens on now, below those that the system gives to connections.
free_port() {
  local port
  while :; do
    port=$((10000 + RANDOM % 22000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  done
  printf '%s' "$port"
}

# Starts a Redis with a configuration on a port; whether it did. Two may have found the same port.
start_redis() {
  redis-server "$1" >/dev/null
  for _ in $(seq 50); do
    if [ -s "$folder/redis/pid" ] && redis-cli -p "$2" ping >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  return 1
}

start_services() {
  need_services
  bin=$(postgres_bin)
  folder=$(mktemp -d "${TMPDIR:-/tmp}/orchestrator-services.XXXXXX")
  chmod 755 "$folder"
  mkdir "$folder/redis" "$folder/postgres"
  if [ "$(id -u)" = 0 ]; then chown postgres: "$folder/postgres"; fi
  (cd "$folder/postgres" && as_postgres "$bin/initdb" -D "$folder/postgres/data" -U postgres -A trust -E UTF8 --locale=C -N >/dev/null)
  local try postgres_port redis_port
  for try in 1 2 3 4 5; do
    postgres_port=$(free_port)
    settings="-h 127.0.0.1 -p $postgres_port -k $folder/postgres -c max_connections=300"
    if [ "${ORCHESTRATOR_SERVICES:-}" = durable ]; then
      # Checkpoints in the middle of a measurement would make it a matter of luck.
      settings="$settings -c shared_buffers=1GB -c max_wal_size=4GB -c checkpoint_timeout=15min -c shared_preload_libraries=pg_stat_statements"
      append=yes
    else
      # Nothing here outlives the tests, so nothing is synced to the disk.
      settings="$settings -c fsync=off -c full_page_writes=off"
      append=no
    fi
    if (cd "$folder/postgres" && as_postgres "$bin/pg_ctl" -D "$folder/postgres/data" -w -l "$folder/postgres/log" -o "$settings" start >/dev/null 2>&1); then
      break
    fi
    [ "$try" -lt 5 ] || die "the private PostgreSQL does not start: see $folder/postgres/log"
  done
  # For whoever starts them again.
  printf '%s' "$settings" >"$folder/postgres.settings"
  for try in 1 2 3 4 5; do
    redis_port=$(free_port)
    printf 'port %s\nbind 127.0.0.1\nsave ""\nappendonly %s\ndir %s\ndaemonize yes\npidfile %s\nlogfile %s\n' \
      "$redis_port" "$append" "$folder/redis" "$folder/redis/pid" "$folder/redis/log" >"$folder/redis.conf"
    if start_redis "$folder/redis.conf" "$redis_port"; then break; fi
    [ "$try" -lt 5 ] || die "the private Redis does not start: $(tail -n 3 "$folder/redis/log")"
  done
  export ORCHESTRATOR_TEST_POSTGRES="postgres://postgres@127.0.0.1:$postgres_port/postgres"
  export ORCHESTRATOR_TEST_REDIS="redis://127.0.0.1:$redis_port"
  export ORCHESTRATOR_TEST_SERVICES="$folder"
}

# Starts again what is gone, and says so. What a killed PostgreSQL left may have to end first: then the next call does it.
revive_services() {
  local folder=$1 bin
  bin=$(postgres_bin)
  if ! is_alive "$folder/postgres/data/postmaster.pid"; then
    if (cd "$folder/postgres" && as_postgres "$bin/pg_ctl" -D "$folder/postgres/data" -w -l "$folder/postgres/log" \
      -o "$(cat "$folder/postgres.settings")" start >/dev/null 2>&1); then
      say "PostgreSQL was gone, and is back as process $(head -n 1 "$folder/postgres/data/postmaster.pid")"
    fi
  fi
  if ! is_alive "$folder/redis/pid"; then
    rm -f "$folder/redis/pid"
    redis-server "$folder/redis.conf" >/dev/null
    for _ in $(seq 50); do
      if [ -s "$folder/redis/pid" ]; then break; fi
      sleep 0.1
    done
    say "Redis was gone, and is back as process $(cat "$folder/redis/pid")"
  fi
}
# Whether the process whose number a file begins with is there.
is_alive() {
  [ -s "$1" ] && kill -0 "$(head -n 1 "$1")" 2>/dev/null
}

stop_services() {
  local folder=$1 bin
  bin=$(postgres_bin)
  if [ -d "$folder/postgres/data" ]; then
    (cd "$folder/postgres" && as_postgres "$bin/pg_ctl" -D "$folder/postgres/data" -m immediate -w stop >/dev/null 2>&1) || true
  fi
  if [ -s "$folder/redis/pid" ]; then kill -9 "$(cat "$folder/redis/pid")" 2>/dev/null || true; fi
  rm -rf "$folder"
}

case "${1:-}" in
  run)
    shift
    folder=
    trap 'set +e; [ -z "$folder" ] || stop_services "$folder"' EXIT
    trap 'exit 130' INT TERM
    trap 'exec >/dev/null 2>&1; exit 129' HUP
    start_services
    "$@"
    ;;
  start)
    start_services
    printf 'export ORCHESTRATOR_TEST_POSTGRES=%s ORCHESTRATOR_TEST_REDIS=%s ORCHESTRATOR_TEST_SERVICES=%s\n' \
      "$ORCHESTRATOR_TEST_POSTGRES" "$ORCHESTRATOR_TEST_REDIS" "$folder"
    ;;
  stop)
    [ -d "${2:-}" ] || die "usage: .ci/services.sh stop FOLDER"
    stop_services "$2"
    ;;
  revive)
    [ -d "${2:-}" ] || die "usage: .ci/services.sh revive FOLDER"
    revive_services "$2"
    ;;
  *) die "usage: .ci/services.sh run CMD... | start | stop FOLDER | revive FOLDER" ;;
esac
