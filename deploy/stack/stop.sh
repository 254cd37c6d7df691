#!/usr/bin/env bash
# Stops one component of the local stack: stop.sh kafka|postgres|connect|redis|s3 [--kill]; --kill sends SIGKILL.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

parse_component "$(basename "$0")" "$@"
locked "$component" stop_component "$component" "$how"
