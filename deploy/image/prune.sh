#!/usr/bin/env bash
# Leaves in node_modules what a worker loads, and lists it in sbom.cdx.json (CycloneDX).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

client=node_modules/@confluentinc/kafka-javascript
platform=$(node -p 'process.platform + "-" + process.arch')
# npm prune knows nothing of what was compiled.
mv "$client/build" client-build
npm prune --omit=dev --ignore-scripts
rm -rf "$client/build" "$client/deps" node_modules/.cache
mv client-build "$client/build"
# RocksDB comes for a dozen platforms, 20 MB each.
find node_modules -type d -path '*/prebuilds/*' -prune -not -name "$platform" -exec rm -rf {} +
find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.md' \) -delete
# Of what is installed now; npm would call the development packages of package.json missing.
npm pkg delete devDependencies scripts
npm sbom --sbom-format=cyclonedx >sbom.cdx.json

node -e "
  require('@confluentinc/kafka-javascript');
  require('rocksdb-native');
"
