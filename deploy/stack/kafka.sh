# shellcheck shell=bash
# Kafka: one KRaft node (broker and controller in one process), tuned for a small machine and quick tests.

kafka_packages() { jars_packages; }
kafka_fetch() { jars_fetch; }

kafka_settings() {
  cat <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@$HOST:$KAFKA_CONTROLLER_PORT
listeners=PLAINTEXT://$HOST:$KAFKA_PORT,CONTROLLER://$HOST:$KAFKA_CONTROLLER_PORT
advertised.listeners=PLAINTEXT://$HOST:$KAFKA_PORT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$STACK/kafka/data
# a typo in a topic name must fail a test, not make a topic
auto.create.topics.enable=false
num.partitions=1
# one node: nothing to replicate to; few partitions make the internal topics quick to load
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=2
# quick rebalances, and tests may ask for short sessions
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=1000
group.consumer.min.session.timeout.ms=3000
group.consumer.session.timeout.ms=6000
# a killed broker's registration must lapse before the restarted one is let in: 9 s by default
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# small machine
num.network.threads=2
num.io.threads=4
background.threads=2
num.recovery.threads.per.data.dir=2
# compaction and retention act within a test's patience
log.cleaner.threads=1
log.cleaner.backoff.ms=1000
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.io.buffer.size=262144
log.initial.task.delay.ms=1000
log.retention.check.interval.ms=10000
log.segment.bytes=67108864
log.segment.delete.delay.ms=1000
message.max.bytes=8388608
replica.fetch.max.bytes=8388608
EOF
}

kafka_start() {
  local settings=$STACK/kafka/server.properties id jvm
  kafka_settings >"$settings"
  if [ ! -f "$STACK/kafka/data/meta.properties" ]; then
    rm -rf "$STACK/kafka/data"
    # A cluster id is 16 random bytes in URL-safe base64; the leading A keeps it from starting with a dash.
    id=A$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 2-22)
    kafka_tool kafka.tools.StorageTool format -t "$id" -c "$settings" >>"$(log_of kafka)" 2>&1 ||
      fail kafka "could not format its storage"
  fi
  mapfile -t jvm < <(server_jvm 640m)
  spawn kafka java "${jvm[@]}" kafka.Kafka "$settings"
}

# A Metadata request (api 3, version 1, all topics), spoken by hand since a JVM client takes a second.
# Healthy means that the answer names a broker: a broker not yet let in by the controller is left out.
kafka_healthy() {
  local reply
  reply=$(
    exec 3<>"/dev/tcp/$HOST/$KAFKA_PORT" || exit 1
    printf '\0\0\0\016\0\003\0\001\0\0\0\007\0\0\377\377\377\377' >&3
    timeout 2 head -c 12 <&3 | od -An -tx1 | tr -d ' \n'
  )
  # size, correlation id 7, number of brokers
  [[ $reply == ????????0000000700000001 ]]
}

kafka_terminate() { kill -TERM "$1"; }
