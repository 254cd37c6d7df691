# shellcheck shell=bash
# Kafka Connect with Debezium: a distributed worker of one node, so that connectors and offsets outlive it.

connect_packages() {
  jars_packages
  command -v curl >/dev/null || echo curl
}
connect_fetch() { jars_fetch; }

connect_settings() {
  cat <<EOF
bootstrap.servers=$HOST:$KAFKA_PORT
listeners=http://$HOST:$CONNECT_PORT
plugin.path=$DEBEZIUM_HOME
plugin.discovery=service_load
group.id=millrace-connect
config.storage.topic=millrace-connect-configs
config.storage.replication.factor=1
offset.storage.topic=millrace-connect-offsets
offset.storage.replication.factor=1
offset.storage.partitions=1
status.storage.topic=millrace-connect-status
status.storage.replication.factor=1
status.storage.partitions=1
# a killed worker repeats what it sent since the last flush
offset.flush.interval.ms=1000
# a killed worker's ghost must not hold up its successor
session.timeout.ms=3000
heartbeat.interval.ms=1000
rebalance.timeout.ms=6000
scheduled.rebalance.max.delay.ms=0
key.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=false
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
connector.client.config.override.policy=All
topic.creation.enable=true
producer.linger.ms=0
EOF
}

connect_start() {
  local settings=$STACK/connect/worker.properties jvm
  connect_settings >"$settings"
  mapfile -t jvm < <(server_jvm 512m)
  spawn connect java "${jvm[@]}" org.apache.kafka.connect.cli.ConnectDistributed "$settings"
}

connect_healthy() {
  [ "$(curl -s -m 5 -o /dev/null -w '%{http_code}' "http://$HOST:$CONNECT_PORT/connectors")" = 200 ]
}

connect_terminate() { kill -TERM "$1"; }
