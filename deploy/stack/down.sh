#!/usr/bin/env bash
# Stops the local stack; with --wipe its data goes as well.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in
  '' | --wipe) ;;
  *) die "usage: down.sh [--wipe]" ;;
esac

locked connect stop_component connect
jobs=()
for c in "${COMPONENTS[@]}"; do
  [ "$c" = connect ] && continue
  locked "$c" stop_component "$c" &
  jobs+=($!)
done
for job in "${jobs[@]}"; do
  wait "$job"
done
if [ "${1:-}" = --wipe ]; then
  postgres_wipe_outside
  rm -rf "$STACK"
fi
say "stack: down"
