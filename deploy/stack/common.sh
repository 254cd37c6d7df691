# shellcheck shell=bash
# Shared by all scripts of the local stack: places, ports, packages, cache, detached processes.

STACK_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
ROOT=$(cd "$STACK_SRC/../.." && pwd -P)
STACK=$ROOT/.stack
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/millrace

HOST=127.0.0.1
# Stacks of two checkouts stand side by side when one of them is shifted; up.sh notes it for the other scripts.
PORT_SHIFT=${STACK_PORT_SHIFT:-$(cat "$STACK/port-shift" 2>/dev/null || echo 0)}
KAFKA_PORT=$((29092 + PORT_SHIFT))
KAFKA_CONTROLLER_PORT=$((29093 + PORT_SHIFT))
POSTGRES_PORT=$((25432 + PORT_SHIFT))
CONNECT_PORT=$((28083 + PORT_SHIFT))
REDIS_PORT=$((26379 + PORT_SHIFT))
S3_PORT=$((27070 + PORT_SHIFT))

# Of this loopback-only stack; they open nothing else.
S3_BUCKET=millrace
S3_REGION='us-east-1'
S3_ACCESS_KEY=millrace
S3_SECRET_KEY=millrace-secret

# shellcheck disable=SC2034 # used by the files sourced below
readonly HOST KAFKA_PORT KAFKA_CONTROLLER_PORT POSTGRES_PORT CONNECT_PORT REDIS_PORT S3_PORT \
  S3_BUCKET S3_REGION S3_ACCESS_KEY S3_SECRET_KEY

# In the order they are stopped: Connect first, while it can still write its offsets to Kafka.
COMPONENTS=(connect kafka postgres redis s3)
BOOT_TIMEOUT=90

say() { printf '%s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# ---- Debian packages -------------------------------------------------------

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "root is needed for: $* (neither root nor sudo here)"
  fi
}

have_package() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

apt_install() {
  [ $# -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "missing: $* (this script installs them with apt-get, which is not here)"
  say "installing Debian packages: $*"
  mkdir -p "$CACHE"
  local log=$CACHE/apt.log
  {
    as_root apt-get update -q &&
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
  } >"$log" 2>&1 </dev/null || {
    tail -n 15 "$log" >&2
    die "apt-get could not install: $* (whole log: $log)"
  }
}

# ---- cache of what is downloaded or built ----------------------------------

# cached NAME BUILDER: fills $CACHE/NAME by calling `BUILDER EMPTY_DIR`, unless it is there.
# The folder appears by a rename, so an interrupted build never leaves half a one.
cached() {
  local name=$1 builder=$2 tmp status
  [ -d "$CACHE/$name" ] && return 0
  mkdir -p "$CACHE"
  (
    flock 8
    [ -d "$CACHE/$name" ] && exit 0
    tmp=$(mktemp -d "$CACHE/.$name.XXXXXX")
    trap 'rm -rf "$tmp"' EXIT
    # Not "builder || …": that would switch off -e within the builder.
    set +e
    (
      set -e
      "$builder" "$tmp"
    ) >"$CACHE/$name.log" 2>&1 8>&- </dev/null
    status=$?
    set -e
    if [ "$status" != 0 ]; then
      tail -n 25 "$CACHE/$name.log" >&2
      die "cannot get $name (whole log: $CACHE/$name.log)"
    fi
    chmod 755 "$tmp"
    mv -T "$tmp" "$CACHE/$name"
    rm -f "$CACHE/$name.log"
  ) 8>"$CACHE/$name.lock"
}

# ---- processes -------------------------------------------------------------

log_of() { printf '%s' "$STACK/$1/$1.log"; }

# Every component's command line names its own folder under .stack: that tells it from a reused pid.
is_ours() { grep -qsazF -- "$STACK/$1/" "/proc/$2/cmdline"; }

pid_of() {
  local pid
  pid=$(cat "$STACK/$1/pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && is_ours "$1" "$pid" && printf '%s' "$pid"
}

# spawn COMPONENT COMMAND...: detached, with no handle of the caller left open
# (fd 9 is the component's lock; holding a caller's pipe would make `up.sh | tail` hang).
spawn() {
  local c=$1
  shift
  (cd "$STACK/$c" && exec setsid nohup "$@") >>"$(log_of "$c")" 2>&1 </dev/null 9>&- &
  echo $! >"$STACK/$c/pid"
}

# A zombie has ended, unless only its main thread has: the others still hold its ports then.
running() {
  local tasks
  case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) in
    '') return 1 ;;
    Z)
      tasks=("/proc/$1/task"/*)
      [ "${#tasks[@]}" -gt 1 ]
      ;;
  esac
}

gone() {
  local pid=$1 tenths=$2
  while running "$pid"; do
    [ "$tenths" -gt 0 ] || return 1
    tenths=$((tenths - 1))
    sleep 0.1
  done
}

port_open() { (exec 3<>"/dev/tcp/$HOST/$1") 2>/dev/null; }

port_of() {
  case $1 in
    kafka) echo "$KAFKA_PORT" ;;
    postgres) echo "$POSTGRES_PORT" ;;
    connect) echo "$CONNECT_PORT" ;;
    redis) echo "$REDIS_PORT" ;;
    s3) echo "$S3_PORT" ;;
  esac
}

fail() {
  local c=$1 why=$2
  {
    echo "error: $c $why"
    echo "--- last lines of $(log_of "$c")"
    tail -n 25 "$(log_of "$c")" 2>/dev/null
    echo "--- end; whole log: $(log_of "$c")"
  } >&2
  exit 1
}

wait_healthy() {
  local c=$1 end=$((SECONDS + $2))
  until "${c}_healthy" >/dev/null 2>&1; do
    running "$(cat "$STACK/$c/pid")" || fail "$c" "has ended"
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

signal_and_wait() {
  local c=$1 how=$2 pid
  pid=$(pid_of "$c") || return 0
  if [ "$how" = kill ]; then
    kill -KILL "$pid"
    gone "$pid" 100 || fail "$c" "is still there after SIGKILL (pid $pid)"
    return 0
  fi
  # A frozen process (SIGSTOP by a test) would never see the TERM.
  "${c}_terminate" "$pid"
  kill -CONT "$pid" 2>/dev/null || true
  gone "$pid" 300 && return 0
  say "$c: no clean stop in 30 s, killing it"
  kill -KILL "$pid" 2>/dev/null || true
  gone "$pid" 100 || fail "$c" "is still there after SIGKILL (pid $pid)"
}

# A process whose pid file went away with `rm -rf .stack` still holds our port: end it.
end_orphans() {
  local c=$1 file pid
  while read -r file; do
    pid=${file#/proc/}
    pid=${pid%/cmdline}
    case $(readlink "/proc/$pid/exe" 2>/dev/null) in
      */java* | */postgres* | */redis* | */versitygw*)
        kill -KILL "$pid" 2>/dev/null || true
        gone "$pid" 100 || true
        ;;
    esac
  done < <(grep -alzF -- "$STACK/$c/" /proc/[0-9]*/cmdline 2>/dev/null)
}

# All changes of one component happen under its lock; locks live outside its folder.
locked() {
  local c=$1
  shift
  mkdir -p "$STACK/locks"
  (
    flock -w 300 9 || die "$c: another script has held its lock for 5 minutes ($STACK/locks/$c)"
    "$@"
  ) 9>"$STACK/locks/$c"
}

stop_component() {
  local c=$1 how=${2:-term}
  signal_and_wait "$c" "$how"
  end_orphans "$c"
  rm -f "$STACK/$c/pid"
}

start_component() {
  local c=$1 t0=${EPOCHREALTIME/./} port
  mkdir -p "$STACK/$c"
  end_orphans "$c"
  port=$(port_of "$c")
  if port_open "$port"; then
    die "$c: port $port is already in use by a process that is not of this checkout; free it first (ss -ltnp)"
  fi
  "${c}_start"
  wait_healthy "$c" "$BOOT_TIMEOUT" || fail "$c" "gives no answer after $BOOT_TIMEOUT s"
  prepare_component "$c"
  say "$c: started in $(seconds_since "$t0") s"
}

# What is wanted in a component beside its process: a database, a bucket.
prepare_component() {
  declare -F "${1}_prepare" >/dev/null || return 0
  "${1}_prepare" || fail "$1" "answers, but could not be prepared"
}

seconds_since() {
  local us=$((${EPOCHREALTIME/./} - $1))
  printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}

# Leaves a healthy component alone; gives one that lives but doesn't answer a moment, then restarts it.
ensure_component() {
  local c=$1
  if pid_of "$c" >/dev/null; then
    if (wait_healthy "$c" 15) 2>/dev/null; then
      prepare_component "$c"
      return 0
    fi
    say "$c: runs but gives no answer, restarting it"
    stop_component "$c" kill
  fi
  start_component "$c"
}

# Sets $component and $how from the arguments of stop.sh and restart.sh.
parse_component() {
  local script=$1
  component=${2:-} how=term
  case " ${COMPONENTS[*]} " in *" $component "*) ;; *) component= ;; esac
  case ${3:-} in '') ;; --kill) how='kill' ;; *) component= ;; esac
  [ -n "$component" ] || die "usage: $script $(IFS='|' && echo "${COMPONENTS[*]}") [--kill]"
}

# shellcheck source-path=SCRIPTDIR source=jars.sh
. "$STACK_SRC/jars.sh"
for component in "${COMPONENTS[@]}"; do
  # shellcheck disable=SC1090
  . "$STACK_SRC/$component.sh"
done
unset component
