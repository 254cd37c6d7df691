# shellcheck shell=bash
# PostgreSQL of Debian with logical decoding: a cluster of its own, apart from the system's.

postgres_bin() { find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1; }
postgres_packages() { [ -x "$(postgres_bin)/initdb" ] || echo postgresql; }
postgres_fetch() { :; }

# initdb and the server refuse to run as root. From /, as user postgres may not enter where we are.
as_postgres() (
  cd /
  if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
  fi
  exec "$@"
)

# Normally .stack/postgres/data. When user postgres may not enter the checkout (say, it is in /root) the cluster
# lives with the system's and a link takes its place; a link gone with .stack makes the old cluster worthless.
postgres_outside() { printf '/var/lib/postgresql/millrace-%s' "$(printf %s "$STACK" | cksum | cut -d ' ' -f 1)"; }

postgres_data() { readlink -f "$STACK/postgres/data"; }

postgres_init() {
  local data=$STACK/postgres/data outside
  rm -rf "$data"
  chmod 755 "$STACK" "$STACK/postgres"
  if ! as_postgres test -x "$STACK/postgres"; then
    outside=$(postgres_outside)
    say "postgres: user postgres cannot enter $STACK, so the data goes to $outside"
    rm -rf "$outside"
    install -d -o postgres -g postgres -m 700 "$outside"
    ln -s "$outside" "$data"
  elif [ "$(id -u)" = 0 ]; then
    install -d -o postgres -g postgres -m 700 "$data"
  fi
  data=$(postgres_data)
  as_postgres "$(postgres_bin)/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
    >>"$(log_of postgres)" 2>&1 </dev/null 9>&- || fail postgres "could not make its data folder"
  cat >>"$data/postgresql.conf" <<EOF
listen_addresses = '$HOST'
port = $POSTGRES_PORT
# TCP only: the default socket folder belongs to the system's cluster
unix_socket_directories = ''
timezone = 'UTC'
log_timezone = 'UTC'
max_connections = 200
shared_buffers = 256MB
wal_level = logical
max_wal_senders = 64
max_replication_slots = 64
# a forgotten slot must not fill the disk
max_slot_wal_keep_size = 4GB
max_wal_size = 2GB
EOF
  touch "$STACK/postgres/initialised"
}

# After a kill -9 the backends outlive the postmaster for a moment and hold its shared memory.
postgres_backends_gone() {
  local data tries=100
  data=$(postgres_data) || return 0
  while [ -n "$(find /proc -maxdepth 2 -name cwd -lname "$data" 2>/dev/null)" ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail postgres "left processes behind that use $data"
    sleep 0.1
  done
  rm -f "$data/postmaster.pid"
}

postgres_start() {
  local data
  if [ -f "$STACK/postgres/initialised" ]; then
    postgres_backends_gone
  else
    postgres_init
  fi
  data=$(postgres_data)
  # The made-up setting is read by nobody: it puts the path under .stack on the command line, also when the data
  # is elsewhere, and the scripts know the process by it.
  local server=("$(postgres_bin)/postgres" -D "$data" -c "millrace.folder=$STACK/postgres/")
  # Not through as_postgres: the process started must itself become the server, so that its pid is the one noted.
  if [ "$(id -u)" = 0 ]; then
    server=(setpriv --reuid=postgres --regid=postgres --init-groups -- "${server[@]}")
  fi
  spawn postgres "${server[@]}"
}

postgres_query() { PGCONNECT_TIMEOUT=3 "$(postgres_bin)/psql" -X -qtA -h "$HOST" -p "$POSTGRES_PORT" -U postgres "$@" </dev/null; }

postgres_healthy() { [ "$(postgres_query -d postgres -c 'select 1')" = 1 ]; }

postgres_prepare() {
  [ "$(postgres_query -d postgres -c "select 1 from pg_database where datname = 'shop'")" = 1 ] ||
    postgres_query -d postgres -c 'create database shop'
}

postgres_wipe_outside() { rm -rf "$(postgres_outside)"; }

postgres_terminate() {
  as_postgres "$(postgres_bin)/pg_ctl" -D "$(postgres_data)" -m fast -W stop >/dev/null </dev/null 9>&- ||
    kill -INT "$1" 2>/dev/null || true
}
