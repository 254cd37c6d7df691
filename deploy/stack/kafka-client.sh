#!/usr/bin/env bash
# Makes the native part of node_modules/@confluentinc/kafka-javascript loadable: from the cache, or by compiling it once.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

BUILD_PACKAGES=(g++ make python3 libssl-dev libsasl2-dev libcurl4-openssl-dev libzstd-dev liblz4-dev zlib1g-dev)
RUNTIME_PACKAGES=(libssl3 libsasl2-2 libcurl4 libzstd1 liblz4-1 zlib1g)
# Another folder with a node_modules may be given, e.g. of a release image.
project=$(cd "${1:-$ROOT}" && pwd -P)
package=$project/node_modules/@confluentinc/kafka-javascript

load() { (cd "$project" && node -e "require('@confluentinc/kafka-javascript')"); }

install_missing() {
  local missing=() name
  for name in "$@"; do
    have_package "$name" || missing+=("$name")
  done
  apt_install "${missing[@]}"
}

# Compiles in a copy inside node_modules, where the packages it needs are found, so that neither the
# installed package nor an interrupted build is ever left half done. Keeps what is needed at run time: 4 of 290 MB.
build_client() {
  local out=$1 work=$project/node_modules/.cache/kafka-javascript-build headers
  rm -rf "$work"
  mkdir -p "$(dirname "$work")"
  cp -a "$package" "$work"
  rm -rf "$work/build"
  # Headers that came with node save node-gyp a download.
  headers=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
  [ ! -f "$headers/include/node/node.h" ] || export npm_config_nodedir=$headers
  # dynamic: librdkafka is the bundled one, OpenSSL, SASL, curl and the codecs are Debian's.
  (cd "$work" && CKJS_LINKING=dynamic npm run install -- --build-from-source)
  mkdir -p "$out/Release" "$out/deps"
  cp "$work"/build/Release/*.node "$out/Release/"
  cp "$work"/build/deps/librdkafka.so.1 "$work"/build/deps/librdkafka++.so.1 "$out/deps/"
  strip --strip-unneeded "$out"/Release/*.node "$out"/deps/*.so.1
  rm -rf "$work"
}

if load 2>/dev/null; then
  exit 0
fi
[ -f "$package/package.json" ] || die "$package is missing; run npm ci --ignore-scripts first"

version=$(node -p 'require(process.argv[1]).version' "$package/package.json")
abi=$(node -p 'process.versions.modules + "-" + process.arch')
distribution=$(. /etc/os-release && echo "$ID${VERSION_ID:-}")
name=kafka-javascript-$version-abi$abi-$distribution

if [ ! -d "$CACHE/$name" ]; then
  install_missing "${BUILD_PACKAGES[@]}"
  say "kafka client: compiling $version (minutes, once)"
  cached "$name" build_client
fi

rm -rf "$package/build.new" "$package/build"
cp -a "$CACHE/$name" "$package/build.new"
mv -T "$package/build.new" "$package/build"

if ! load 2>/dev/null; then
  install_missing "${RUNTIME_PACKAGES[@]}"
  load || die "the kafka client does not load; remove $CACHE/$name to compile it anew"
fi
say "kafka client: $version ready"
