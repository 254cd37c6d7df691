# shellcheck shell=bash
# Redis: in memory only, apart from any Redis the system itself runs.

redis_packages() { command -v redis-server >/dev/null && command -v redis-cli >/dev/null || echo redis-server; }
redis_fetch() { :; }

redis_start() {
  local settings=$STACK/redis/redis.conf
  cat >"$settings" <<EOF
bind $HOST
port $REDIS_PORT
daemonize no
save ""
appendonly no
# keeps the path of this file in the process list: the scripts know the process by it
set-proc-title no
EOF
  spawn redis redis-server "$settings"
}

redis_healthy() { [ "$(timeout 2 redis-cli -h "$HOST" -p "$REDIS_PORT" ping)" = PONG ]; }

redis_terminate() { kill -TERM "$1"; }
