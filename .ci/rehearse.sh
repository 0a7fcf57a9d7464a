#!/usr/bin/env bash
# Rehearses docs/operating.md on this machine: a primary and a standby PostgreSQL, a Redis, two servers behind nginx, three
# workers, and ten thousand tasks; then what the page tells to do when something is lost, with its own commands. Everything
# is private and goes at the end.
#
#   .ci/rehearse.sh               all of it, in five to ten minutes
#   TASKS=1000 .ci/rehearse.sh    with fewer tasks
source "$(dirname "$0")/lib.sh"

TASKS=${TASKS:-10000}
need_rust
need nginx nginx-light "the rehearsal puts one in front of the servers"
need sqlite3 sqlite3 "the rehearsal backs up an SQLite file"
need curl curl "the rehearsal asks the servers how they are"
need python3 python3 "the rehearsal writes the tasks with it"
need_services
bin=$(postgres_bin)

step "Building the servers, the workers and the command"
cargo build -p orchestrator-server -p orchestrator-worker -p orchestrator-cli --locked
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
PATH="$target/debug:$bin:$PATH"

here=$(mktemp -d "${TMPDIR:-/tmp}/orchestrator-rehearsal.XXXXXX")
chmod 755 "$here"
pids=()
nginx=
databases=()
declare -A process # of server-1, worker-2, ...
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    (cd "$here" && setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$here" "$@")
  else
    "$@"
  fi
}
stop_all() {
  trap - EXIT INT TERM
  # Asked, as it takes its workers with it; they stay behind when it is killed.
  if [ -n "$nginx" ] && kill "$nginx" 2>/dev/null; then wait "$nginx" 2>/dev/null || true; fi
  for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
  for data in "${databases[@]}"; do as_postgres pg_ctl -D "$data" -m immediate stop >/dev/null 2>&1 || true; done
  wait 2>/dev/null || true
  rm -rf "$here"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

free_port() {
  local port
  while :; do
    port=$((10000 + RANDOM % 22000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  done
  printf '%s' "$port"
}
# until_true SECONDS WHAT COMMAND...: waits until the command succeeds.
until_true() {
  local seconds=$1 what=$2 from=$SECONDS
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $((SECONDS - from)) -lt "$seconds" ] || die "after $seconds s still not: $what"
    sleep 0.2
  done
  say "$what (after $((SECONDS - from)) s)"
}
count() { psql -qAtX "$1" -c "select count(*) from orchestrator.life where state = $2"; }
is_count() { [ "$(count "$1" "$2")" = "$3" ]; }
is_more_than() { [ "$(count "$1" "$2")" -gt "$3" ]; }

step "A primary, and a standby that follows it"
p1=$(free_port) p2=$(free_port)
mkdir "$here/db" && if [ "$(id -u)" = 0 ]; then chown postgres: "$here/db"; fi
databases=("$here/db/1" "$here/db/2")
as_postgres initdb -D "$here/db/1" -U postgres -A trust -E UTF8 --locale=C -N >/dev/null
as_postgres pg_ctl -D "$here/db/1" -w -l "$here/db/1.log" -o "-h 127.0.0.1 -p $p1 -k $here/db -c fsync=off -c wal_level=replica" start >/dev/null
psql -qX "postgres://postgres@127.0.0.1:$p1/postgres" -c "create role orchestrator login" -c "create database orchestrator owner orchestrator"
as_postgres pg_basebackup -h 127.0.0.1 -p "$p1" -U postgres -D "$here/db/2" --write-recovery-conf --create-slot --slot standby --checkpoint fast
as_postgres pg_ctl -D "$here/db/2" -w -l "$here/db/2.log" -o "-h 127.0.0.1 -p $p2 -k $here/db -c fsync=off" start >/dev/null
psql -qX "postgres://postgres@127.0.0.1:$p1/postgres" -c "alter system set synchronous_standby_names = '*'" -c "select pg_reload_conf()" >/dev/null
until_true 30 "the standby follows, and commits wait for it" \
  sh -c "psql -qAtX postgres://postgres@127.0.0.1:$p1/postgres -c 'select sync_state from pg_stat_replication' | grep -q sync"

both="postgres://orchestrator@127.0.0.1:$p1,127.0.0.1:$p2/orchestrator"
first="postgres://orchestrator@127.0.0.1:$p1/orchestrator" second="postgres://orchestrator@127.0.0.1:$p2/orchestrator"

step "The schema, by hand: what would be done, the script, down and up again"
orchestrator-server migrate --database "$both" --dry-run
orchestrator-server migrate --database "$both" --sql >"$here/up.sql"
psql -qX "$first" -f "$here/up.sql" >/dev/null
orchestrator-server migrate --database "$both" --down 1
orchestrator-server migrate --database "$both"

step "A Redis, two servers, nginx, three workers"
redis_port=$(free_port)
redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$here" >"$here/redis.log" 2>&1 &
redis=$!
pids+=("$redis")
export ORCHESTRATOR_ADMIN_TOKEN=rehearsal-rehearsal-rehearsal
start_server() {
  orchestrator-server --listen "127.0.0.1:$2" --database "$both" --redis "redis://127.0.0.1:$redis_port" --migrate false >>"$here/server-$1.log" 2>&1 &
  process[server-$1]=$!
  pids+=($!)
}
s1=$(free_port) s2=$(free_port) front=$(free_port)
start_server 1 "$s1"
start_server 2 "$s2"
# The committed example, with the addresses of here.
sed -e "s/server server:8080 .*/server 127.0.0.1:$s1 max_fails=1 fail_timeout=1s; server 127.0.0.1:$s2 max_fails=1 fail_timeout=1s;/" \
  -e "s/listen 8080/listen 127.0.0.1:$front/" docs/deploy/nginx.conf >"$here/site.conf"
cat >"$here/nginx.conf" <<NGINX
daemon off;
pid $here/nginx.pid;
error_log $here/nginx.log;
worker_processes 1;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path $here/b; proxy_temp_path $here/p; fastcgi_temp_path $here/f; uwsgi_temp_path $here/u; scgi_temp_path $here/s; include $here/site.conf; }
NGINX
nginx -c "$here/nginx.conf" -e "$here/nginx.log" &
nginx=$!
url=http://127.0.0.1:$front
export ORCHESTRATOR_URL=$url ORCHESTRATOR_TOKEN=$ORCHESTRATOR_ADMIN_TOKEN
until_true 60 "the fleet answers through nginx" curl -fsS "$url/readyz"
curl -fsS "$url/healthz"
worker_token=$(orchestrator token create workers --role worker)
start_worker() {
  ORCHESTRATOR_TOKEN=$worker_token orchestrator-worker --server "$url" --slots 8 --name "worker-$1" --transport websocket --no-discovery \
    --state "$here/worker-$1.json" >>"$here/worker-$1.log" 2>&1 &
  process[worker-$1]=$!
  pids+=($!)
}
for n in 1 2 3; do start_worker "$n"; done
online() { [ "$(orchestrator workers --json | grep -o '"state":"online"' | wc -l)" = "$1" ]; }
until_true 60 "three workers are online, by WebSocket through nginx" online 3
ORCHESTRATOR_TOKEN=$worker_token orchestrator-worker --server "$url" --slots 1 --transport long-poll --no-discovery --name polling \
  --label polls:yes --state "$here/polling.json" >>"$here/polling.log" 2>&1 &
pids+=($!)
until_true 60 "a fourth one too, by long polls" online 4
orchestrator submit command --require polls:yes --input '{"argv":["echo","long polls get through"]}' --wait >"$here/polled"
grep -q 'long polls get through' "$here/polled" || die "the polling worker did not run its task: $(cat "$here/polled")"
orchestrator workers

step "$TASKS tasks"
python3 - "$TASKS" >"$here/batch" <<'PY'
import json, sys
count = int(sys.argv[1])
for start in range(0, count, 500):
    tasks = [{"task_type": "command", "input": {"argv": ["true"]}, "idempotency_key": f"rehearsal-{n}", "queue": "rehearsal"}
             for n in range(start, min(start + 500, count))]
    print(json.dumps({"tasks": tasks}))
PY
while read -r batch; do
  printf '%s' "$batch" | curl -fsS -o /dev/null -X POST "$url/api/v1/tasks/batch" -H "authorization: Bearer $ORCHESTRATOR_TOKEN" \
    -H 'content-type: application/json' --data-binary @-
done <"$here/batch"
say "$(count "$first" 2) ready, $(count "$first" 3) running, $(count "$first" 7) done"
orchestrator why last || true
curl -fsS -H "authorization: Bearer $ORCHESTRATOR_TOKEN" "http://127.0.0.1:$s1/metrics" | grep '^orchestrator_' | head -20

step "A server is killed, and started again"
kill -9 "${process[server-1]}"
wait "${process[server-1]}" 2>/dev/null || true
until_true 30 "the fleet answers without it" curl -fsS "$url/readyz"
done_before=$(count "$first" 7)
until_true 60 "and goes on" is_more_than "$first" 7 "$((done_before + 50))"
start_server 1 "$s1"
until_true 60 "it is back" curl -fsS "http://127.0.0.1:$s1/readyz"

step "A worker is killed: what it ran goes on elsewhere"
kill -9 "${process[worker-2]}"
wait "${process[worker-2]}" 2>/dev/null || true
until_true 60 "its tasks are running elsewhere" online 3
start_worker 2

step "Redis is lost"
kill -9 "$redis"
wait "$redis" 2>/dev/null || true
done_before=$(count "$first" 7)
until_true 60 "tasks go on" is_more_than "$first" 7 "$((done_before + 50))"

step "A backup while everything runs"
pg_dump --format custom --no-owner --schema orchestrator --file "$here/backup.dump" "$first"
say "$(wc -c <"$here/backup.dump") bytes"

step "The primary dies, the standby takes over"
as_postgres pg_ctl -D "$here/db/1" -m immediate stop >/dev/null
moment=$SECONDS
as_postgres pg_ctl -D "$here/db/2" -w promote >/dev/null
# It followed one that is gone: commits must not wait for a standby that there is not.
psql -qX "postgres://postgres@127.0.0.1:$p2/postgres" -c "alter system reset synchronous_standby_names" -c "select pg_reload_conf()" >/dev/null
until_true 60 "both servers are ready on the new primary" sh -c "curl -fsS http://127.0.0.1:$s1/readyz && curl -fsS http://127.0.0.1:$s2/readyz"
done_before=$(count "$second" 7)
until_true 90 "tasks go on" is_more_than "$second" 7 "$((done_before + 50))"
say "$((SECONDS - moment)) s after the primary died"

step "Every task is done, once"
until_true 3600 "$TASKS tasks and the one for the polling worker are done" is_count "$second" 7 "$((TASKS + 1))"
total=$(psql -qAtX "$second" -c "select count(*) from orchestrator.task")
twice=$(psql -qAtX "$second" -c "select count(*) from (select task from orchestrator.event where kind = 1 and state = 7 group by task having count(*) > 1) t")
say "$total tasks in all, $twice of them finished twice"
if [ "$total" != "$((TASKS + 1))" ] || [ "$twice" != 0 ]; then die "a task is lost or finished twice"; fi

step "The old primary comes back as the standby of the new one"
as_postgres rm -rf "$here/db/1"
as_postgres pg_basebackup -h 127.0.0.1 -p "$p2" -U postgres -D "$here/db/1" --write-recovery-conf --create-slot --slot standby_1 --checkpoint fast
as_postgres pg_ctl -D "$here/db/1" -w -l "$here/db/1.log" -o "-h 127.0.0.1 -p $p1 -k $here/db -c fsync=off" start >/dev/null
until_true 30 "it follows" sh -c "psql -qAtX postgres://postgres@127.0.0.1:$p2/postgres -c 'select count(*) from pg_stat_replication' | grep -q 1"

step "The backup is restored into an empty database"
psql -qX "postgres://postgres@127.0.0.1:$p2/postgres" -c "create database restored owner orchestrator"
pg_restore --no-owner --dbname "postgres://orchestrator@127.0.0.1:$p2/restored" --exit-on-error "$here/backup.dump"
restored=$(free_port)
orchestrator-server --listen "127.0.0.1:$restored" --database "postgres://orchestrator@127.0.0.1:$p2/restored" >"$here/restored.log" 2>&1 &
pids+=($!)
until_true 60 "a server runs on it" curl -fsS "http://127.0.0.1:$restored/readyz"
curl -fsS -H "authorization: Bearer $ORCHESTRATOR_TOKEN" "http://127.0.0.1:$restored/api/v1/stats" && printf '\n'

step "Tokens are rotated"
new=$(orchestrator token create workers-2 --role worker)
orchestrator token list
old_id=$(orchestrator token list --json | python3 -c 'import json,sys; t=json.load(sys.stdin); t=t.get("items", t) if isinstance(t, dict) else t; print([x["id"] for x in t if x["name"]=="workers"][0])')
for n in 1 2 3; do
  kill "${process[worker-$n]}"
  wait "${process[worker-$n]}" || true
done
worker_token=$new
for n in 1 2 3; do start_worker "$n"; done
orchestrator token revoke "$old_id"
# The polling one has the old token, and is out.
until_true 60 "the workers are back with the new one, and they alone" online 3

step "A worker is drained, a limit is set, a stuck task says why"
orchestrator workers drain worker-3
orchestrator limits set provider:anthropic --max-running 5 --starts-per-minute 50
orchestrator limits
orchestrator submit command --require gpu --input '{"argv":["true"]}'
orchestrator why last
orchestrator cancel last
orchestrator list --state cancelled

step "A server stops in order"
kill "${process[server-1]}"
wait "${process[server-1]}" && say "exit status 0"

step "SQLite: a backup while it is written, and its restoration"
db=$here/tasks.db
orchestrator-server migrate --database "sqlite:$db" --sql >"$here/up-sqlite.sql"
sqlite3 "$db" <"$here/up-sqlite.sql" >/dev/null
orchestrator-server migrate --database "sqlite:$db"
sqlite_port=$(free_port)
orchestrator-server --listen "127.0.0.1:$sqlite_port" --database "sqlite:$db" >"$here/sqlite.log" 2>&1 &
sqlite_server=$!
pids+=("$sqlite_server")
until_true 30 "a server runs on it" curl -fsS "http://127.0.0.1:$sqlite_port/readyz"
ORCHESTRATOR_URL=http://127.0.0.1:$sqlite_port orchestrator submit command --input '{"argv":["true"]}'
sqlite3 "$db" ".backup '$here/backup.db'"
kill "$sqlite_server"
wait "$sqlite_server" || true
sqlite3 "$here/backup.db" "pragma integrity_check"
env -u ORCHESTRATOR_URL orchestrator --database "sqlite:$here/backup.db" list
step_end
