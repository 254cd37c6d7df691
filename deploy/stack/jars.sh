# shellcheck shell=bash
# Jars of Kafka, Kafka Connect and the Debezium plugin, by Maven; broker and Connect share one folder.

pom_version() { sed -n "s:.*<$2>\(.*\)</$2>.*:\1:p" "$STACK_SRC/$1"; }

KAFKA_HOME=$CACHE/kafka-$(pom_version kafka-pom.xml kafka.version)
DEBEZIUM_HOME=$CACHE/debezium-$(pom_version debezium-pom.xml debezium.version)

jars_packages() {
  command -v java >/dev/null || echo openjdk-17-jre-headless
  [ -d "$KAFKA_HOME" ] && [ -d "$DEBEZIUM_HOME" ] || command -v mvn >/dev/null || echo maven
}

copy_jars() {
  mvn -q -B -f "$STACK_SRC/$1" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$2"
}

fetch_kafka() { copy_jars kafka-pom.xml "$1/libs"; }

fetch_debezium() {
  local jars=$1/debezium-postgres
  copy_jars debezium-pom.xml "$jars"
  # Connect takes these from its own class path whatever the plugin brings; here they only cost scan time.
  rm -f "$jars"/{connect-api,kafka-clients,lz4,snappy,zstd,slf4j,jakarta.ws}*
}

jars_fetch() {
  cached "$(basename "$KAFKA_HOME")" fetch_kafka
  cached "$(basename "$DEBEZIUM_HOME")" fetch_debezium
}

# Short-lived JVM (format, command-line tools): start-up time is all that counts.
kafka_tool() {
  java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Dlog4j2.configurationFile="$STACK_SRC/log4j2.xml" -cp "$KAFKA_HOME/libs/*" "$@"
}

# Server JVM options; $1 is the heap limit.
server_jvm() {
  printf '%s\n' -Xms128m "-Xmx$1" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:+ExplicitGCInvokesConcurrent \
    -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true "-Dlog4j2.configurationFile=$STACK_SRC/log4j2.xml" \
    -cp "$KAFKA_HOME/libs/*"
}
