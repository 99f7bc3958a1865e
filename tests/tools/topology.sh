#!/usr/bin/env bash
# The topology of docker-compose.yml as plain processes of this machine: PostgreSQL and two servers, with the environment that stands there.
#   topology.sh secrets DIR    makes the secrets that docker-compose.yml names (its folder is ./secrets); those that are there stay
#   topology.sh start DIR      starts all in DIR, waits until both servers are ready, prints a line per server: NAME URL PID
#   topology.sh stop DIR       stops all and removes DIR
# AUTOMATION_SERVER names the server's Automation.Server.dll; without it the newest of the checkout's builds is taken.
set -euo pipefail

usage() { sed -n '2,6p' "$0" >&2; exit 2; }
[ $# -eq 2 ] || usage
action=$1 dir=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

random() { head -c "$1" /dev/urandom | base64 -w0; }

secrets() {
  # The server's user in the image is not this one: it reads what everybody may read, and the folder keeps everybody else out.
  mkdir -p "$1"
  chmod 711 "$1"
  [ -s "$1/database_password" ] || random 24 | tr '+/=' 'abc' >"$1/database_password"
  [ -s "$1/admin_password" ] || random 12 | tr '+/=' 'abc' >"$1/admin_password"
  [ -s "$1/installation_key" ] || random 32 >"$1/installation_key"
  [ -s "$1/connection" ] || echo "Host=database;Database=automation;Username=automation;Password=$(cat "$1/database_password")" >"$1/connection"
  chmod 644 "$1"/*
}

# The environment of the servers, as NAME=VALUE lines, with this machine's places.
environment() {
  awk '/^x-server:/ { inside = 1 } /^services:/ { inside = 0 } inside && /^  [a-z]/ { listing = ($1 == "environment:") } inside && listing && /^    [A-Za-z_]+: / { name = $1; sub(":$", "", name); $1 = ""; sub("^ ", ""); gsub("\"", ""); print name "=" $0 }' "$root/docker-compose.yml" \
    | sed -e "s#=/run/secrets/#=$dir/secrets/#" -e "s#=/data#=$dir/$1#" -e '/^ASPNETCORE_HTTP_PORTS=/d'
}

case $action in
secrets)
  secrets "$dir"
  ;;
start)
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  server=${AUTOMATION_SERVER:-$(ls -t "$root"/src/Automation.Server/bin/*/net*/Automation.Server.dll 2>/dev/null | head -1)}
  [ -n "$server" ] || { echo "The server is not built: dotnet build src/Automation.Server" >&2; exit 1; }
  secrets "$dir/secrets"
  bash "$here/postgres.sh" start "$dir/database" durable >"$dir/secrets/connection"
  for name in $(awk '/^[a-z]/ { inside = ($1 == "services:") } inside && /^  server-/ { sub(":", "", $1); print $1 }' "$root/docker-compose.yml"); do
    port=$((32000 + RANDOM % 700))
    mapfile -t settings < <(environment "$name")
    # Its output goes to files: a pipe would be held open by the server.
    (cd "$dir" && exec env "${settings[@]}" ASPNETCORE_URLS="http://127.0.0.1:$port" Automation__Definitions__Directory="$root/workflow-definitions" dotnet "$server" </dev/null >"$dir/$name.log" 2>&1) &
    echo "$name http://127.0.0.1:$port $!" >>"$dir/servers"
  done
  while read -r name url pid; do
    until (cd "$dir" && dotnet "$server" health --url "$url" >/dev/null 2>&1); do
      kill -0 "$pid" 2>/dev/null || { echo "$name ended:" >&2; cat "$dir/$name.log" >&2; exit 1; }
      sleep 0.5
    done
  done <"$dir/servers"
  cat "$dir/servers"
  ;;
stop)
  dir=$(cd "$dir" && pwd)
  [ ! -f "$dir/servers" ] || while read -r _ _ pid; do kill "$pid" 2>/dev/null || true; done <"$dir/servers"
  [ ! -f "$dir/servers" ] || while read -r _ _ pid; do for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done; kill -9 "$pid" 2>/dev/null || true; done <"$dir/servers"
  bash "$here/postgres.sh" stop "$dir/database"
  rm -rf "$dir"
  ;;
*) usage ;;
esac
