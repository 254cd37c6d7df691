#!/usr/bin/env bash
# Runs a Kafka command-line class against the local stack's jars: kafka-tool.sh org.apache.kafka.tools.TopicCommand --list …
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ $# -gt 0 ] || die "usage: kafka-tool.sh CLASS ARGUMENTS…"
[ -d "$KAFKA_HOME" ] || die "no Kafka jars yet; run deploy/stack/up.sh first"
kafka_tool "$@"
