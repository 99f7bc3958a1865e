#!/usr/bin/env bash
# A private PostgreSQL cluster for tests and trials, in a folder of its own, reachable from this machine only. It gives durability up for speed.
#   postgres.sh start DIR [durable [WALDIR]]   makes and starts it, prints its connection string ("durable": flushes as a real one does)
#   postgres.sh stop DIR              stops it and removes the folder
#   postgres.sh restart DIR           as a crash would: it stops at once, and starts again on the same port
#   postgres.sh ensure DIR            starts it again where it ended itself
# PostgreSQL does not run as root: called by root, it runs as the user postgres. When the programs are missing, root installs Debian's package.
set -euo pipefail

usage() { sed -n '2,7p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
action=$1 dir=$2 mode=${3:-fast} wal=${4:-}

programs() { find /usr/lib/postgresql /usr/pgsql-* -maxdepth 3 -name initdb -printf '%h\n' 2>/dev/null | sort -V | tail -1 || true; }

bin=$(programs)
if [ -z "$bin" ] && found=$(command -v initdb); then bin=$(dirname "$(readlink -f "$found")"); fi
if [ -z "$bin" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql >&2 </dev/null
  bin=$(programs)
fi
[ -n "$bin" ] || { echo "PostgreSQL is not installed: no initdb under /usr/lib/postgresql or on the path. On Debian: apt-get install postgresql." >&2; exit 1; }

owner=$(id -un)
run() { env LC_ALL=C "$@"; }
if [ "$(id -u)" = 0 ]; then
  owner=postgres
  run() { setpriv --reuid="$owner" --regid="$owner" --clear-groups env LC_ALL=C HOME="$dir" "$@"; }
fi

case $action in
start)
  mkdir -p "$dir"
  chmod 700 "$dir"
  chown "$owner" "$dir"
  settings="-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 -c shared_buffers=128MB"
  [ "$mode" = durable ] || settings="$settings -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
  cd "$dir"
  run "$bin/initdb" --pgdata="$dir/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync ${wal:+--waldir="$wal"} >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
  for _ in 1 2 3 4 5; do
    # A free port may be taken by the time the server asks for it: then the next one.
    port=$((20000 + RANDOM % 12000))
    # Its output goes to files: a pipe would be held open by the server.
    if run "$bin/pg_ctl" --pgdata="$dir/data" --wait --timeout=30 --log="$dir/server.log" --options="-p $port $settings" start >"$dir/start.log" 2>&1; then
      echo "-p $port $settings" >"$dir/options"
      echo "Host=127.0.0.1;Port=$port;Username=postgres;Database=postgres"
      exit 0
    fi
  done
  cat "$dir/server.log" >&2
  exit 1
  ;;
restart)
  cd "$dir"
  run "$bin/pg_ctl" --pgdata="$dir/data" --mode=immediate --wait stop >"$dir/stop.log" 2>&1
  run "$bin/pg_ctl" --pgdata="$dir/data" --wait --timeout=30 --log="$dir/server.log" --options="$(cat "$dir/options")" start >"$dir/start.log" 2>&1
  ;;
ensure)
  cd "$dir"
  run "$bin/pg_ctl" --pgdata="$dir/data" status >/dev/null 2>&1 || run "$bin/pg_ctl" --pgdata="$dir/data" --wait --timeout=60 --log="$dir/server.log" --options="$(cat "$dir/options")" start >"$dir/start.log" 2>&1
  ;;
stop)
  cd /
  run "$bin/pg_ctl" --pgdata="$dir/data" --mode=immediate --wait stop >/dev/null 2>&1 || true
  rm -rf "$dir" 2>/dev/null || true
  ;;
*) usage ;;
esac
