#!/usr/bin/env bash
# Stops and starts one component: restart.sh kafka|postgres|connect|redis|s3 [--kill]; --kill sends SIGKILL.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

restart_component() {
  stop_component "$1" "$2"
  start_component "$1"
}

parse_component "$(basename "$0")" "$@"
"${component}_fetch"
locked "$component" restart_component "$component" "$how"
