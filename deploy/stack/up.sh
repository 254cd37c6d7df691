#!/usr/bin/env bash
# Starts what does not run of the local stack (Kafka, PostgreSQL, Connect with Debezium, Redis, S3); writes .stack/env.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Debian starts a service of its own on installation; only what was installed just now is turned off again.
disable_service() {
  if [ -d /run/systemd/system ]; then
    as_root systemctl disable --now "$1"
  else
    as_root service "$1" stop
    as_root update-rc.d "$1" disable
  fi >/dev/null 2>&1 </dev/null || say "note: the system service $1 could not be turned off; it does not disturb the stack"
}

install_packages() {
  local wanted package
  mapfile -t wanted < <(for c in "${COMPONENTS[@]}"; do "${c}_packages"; done | sort -u)
  apt_install "${wanted[@]}"
  for package in "${wanted[@]}"; do
    case $package in redis-server | postgresql) disable_service "$package" ;; esac
  done
}

bring_up() {
  "${1}_fetch"
  locked "$1" ensure_component "$1"
}

write_env() {
  cat >"$STACK/env.new" <<EOF
export MILLRACE_KAFKA_BROKERS=$HOST:$KAFKA_PORT
export MILLRACE_REDIS_URL=redis://$HOST:$REDIS_PORT
export MILLRACE_S3_BUCKET=$S3_BUCKET
export MILLRACE_S3_ENDPOINT=http://$HOST:$S3_PORT
export MILLRACE_S3_REGION=$S3_REGION
export AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY
export AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY
export POSTGRES_URL=postgres://postgres@$HOST:$POSTGRES_PORT/shop
export CONNECT_URL=http://$HOST:$CONNECT_PORT
EOF
  mv "$STACK/env.new" "$STACK/env"
}

began=${EPOCHREALTIME/./}
install_packages
mkdir -p "$STACK"
echo "$PORT_SHIFT" >"$STACK/port-shift"
# Independent of each other, so all at once; Connect itself waits for the broker.
jobs=()
for c in "${COMPONENTS[@]}"; do
  bring_up "$c" &
  jobs+=($!)
done
failed=0
for job in "${jobs[@]}"; do
  wait "$job" || failed=1
done
[ "$failed" = 0 ] || die "the stack is not complete, see above; run this again when the cause is gone"
write_env
say "stack: up in $(seconds_since "$began") s (settings: .stack/env)"
