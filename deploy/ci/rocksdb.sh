#!/usr/bin/env bash
# The prebuilt RocksDB binding needs libatomic, which a slim Debian lacks.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../stack/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../stack/common.sh"

load() { (cd "$ROOT" && node -e "require('rocksdb-native')"); }

load 2>/dev/null && exit 0
have_package libatomic1 || apt_install libatomic1
load || die "rocksdb-native does not load on this machine (see above)"
