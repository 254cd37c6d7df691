#!/usr/bin/env bash
# Builds the image and runs it, with podman as root and without a registry: BASE is this machine's own Debian, imported.
# Shows that it is small enough to start under a memory limit, runs without rights on a read-only root, computes a feature, drains
# on SIGTERM, and is ended by the kernel past its limit.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../stack/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../stack/common.sh"
cd "$ROOT"

passed=0
ok() {
  passed=$((passed + 1))
  say "ok    $1"
}
podman() { command podman --cgroup-manager=cgroupfs "$@"; }

# The rights of a pod of the chart. The limits of processes are this container engine's own to be told.
run_worker() {
  podman run --runtime=runc --network=none --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 \
    --read-only --cap-drop=ALL --security-opt=no-new-privileges --memory=512m --memory-swap=512m \
    --tmpfs /tmp:rw,size=64m --tmpfs /var/lib/millrace:rw,size=64m,mode=1777 "$@"
}

import_base() {
  say "importing this machine's Debian as the base (once)"
  tar -C / --one-file-system -cf - \
    --exclude='usr/lib/jvm' --exclude='usr/lib/llvm*' --exclude='usr/lib/google*' --exclude='usr/lib/postgresql' \
    --exclude='usr/lib/debug' --exclude='usr/local/go' --exclude='usr/share/doc' --exclude='usr/share/man' \
    --exclude='usr/share/locale' --exclude='usr/share/fonts' --exclude='usr/share/java' --exclude='*/__pycache__' \
    bin sbin lib lib64 usr etc/apt etc/alternatives etc/ssl etc/ca-certificates etc/ca-certificates.conf etc/ld.so.conf \
    etc/ld.so.conf.d etc/ld.so.cache etc/os-release etc/debian_version etc/dpkg etc/passwd etc/group etc/login.defs \
    etc/pam.d etc/default var/lib/dpkg |
    podman import - millrace-base:debian >/dev/null
}

build() {
  # What was compiled for this machine before need not be compiled again; npm's own settings say where packages come from.
  local mounts=(--volume "$CACHE:/root/.cache/millrace")
  [ ! -f "$HOME/.npmrc" ] || mounts+=(--volume "$HOME/.npmrc:/root/.npmrc:ro")
  podman build --isolation=chroot --network=host "${mounts[@]}" --ignorefile deploy/image/Dockerfile.dockerignore \
    --build-arg BASE=localhost/millrace-base:debian --build-arg VERSION="$(node -p 'require("./package.json").version')" \
    -f deploy/image/Dockerfile -t millrace:test . >"$STACK/image.log" 2>&1 ||
    { tail -n 30 "$STACK/image.log" >&2 && die "the image was not built (whole log: $STACK/image.log)"; }
  podman build --isolation=chroot --build-arg MILLRACE=localhost/millrace:test -f deploy/image/example/Dockerfile \
    -t millrace-example:test examples/fraud >>"$STACK/image.log" 2>&1 || die "the example was not built"
}

in_container() { podman exec "$1" node --input-type=module -e "$2"; }

mkdir -p "$STACK"
missing=()
for package in podman buildah runc; do have_package "$package" || missing+=("$package"); done
apt_install "${missing[@]}"
[ "$(id -u)" = 0 ] || die "run this as root: the container engine sets up cgroups"
podman image exists millrace-base:debian || import_base
build
size=$(podman run --rm --runtime=runc --network=none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
  --entrypoint du millrace:test -sm /app | cut -f1)
ok "built; /app is $size MB"

version=$(run_worker --rm millrace:test --version)
[ "$version" = "$(node -p 'require("./package.json").version')" ] || die "it says version $version"
ok "says its version, as user $(run_worker --rm --entrypoint id millrace:test -u)"

[ "$(run_worker --rm --entrypoint id millrace:test -u)" = 10001 ] || die "it runs as another user than 10001"
run_worker --rm --entrypoint sh millrace:test -c 'echo x >/app/x' 2>/dev/null && die "its root can be written to"
ok "its root is read-only"

components=$(run_worker --rm --entrypoint node millrace:test -p 'require("/app/sbom.cdx.json").components.map((c) => c.name).join(" ")')
case " $components " in *" commander "*) ;; *) die "the SBOM lacks commander: $components" ;; esac
case " $components " in *" vitest "*) die "the SBOM has development packages" ;; esac
run_worker --rm --entrypoint test millrace:test -e /app/node_modules/vitest && die "development packages are in the image"
ok "SBOM of $(echo "$components" | wc -w) components, none for development"

run_worker --rm --entrypoint node millrace:test -e 'require("@confluentinc/kafka-javascript"); require("rocksdb-native")'
ok "the native parts load"

# The worker itself wants Kafka; `dev` runs the same engine on embedded parts.
podman rm -f millrace-image-test >/dev/null 2>&1 || true
run_worker -d --name millrace-image-test millrace-example:test dev /app/definitions/features.ts --data /var/lib/millrace/files >/dev/null
trap 'podman rm -f millrace-image-test >/dev/null 2>&1 || true' EXIT
deadline=$((SECONDS + 60))
until in_container millrace-image-test 'process.exit((await fetch("http://127.0.0.1:8080/readyz")).status === 200 ? 0 : 1)' 2>/dev/null; do
  [ "$SECONDS" -lt "$deadline" ] || { podman logs millrace-image-test >&2 && die "not ready after a minute"; }
  sleep 0.5
done
ok "the example with its own definitions is ready, under 512 MB"

in_container millrace-image-test "$(cat deploy/image/feature.mjs)" ||
  { podman logs millrace-image-test >&2 && die "no feature was computed"; }
ok "a row in, a feature out"

began=$SECONDS
podman stop --time 60 millrace-image-test >/dev/null
code=$(podman inspect --format '{{.State.ExitCode}}' millrace-image-test)
[ "$code" = 0 ] || die "it ended with $code on SIGTERM"
ok "SIGTERM drains it in $((SECONDS - began)) s, exit code 0"

code=0
podman run --rm --runtime=runc --network=none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --memory=128m --memory-swap=128m \
  --entrypoint node millrace:test --max-old-space-size=4096 -e 'const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1));' \
  >/dev/null 2>&1 || code=$?
[ "$code" = 137 ] || die "past its memory limit it ended with $code, not by the kernel"
ok "past its memory limit the kernel ends it (137)"

limit=$(run_worker --rm --entrypoint node millrace:test -p 'process.constrainedMemory()')
[ "$limit" = $((512 * 1024 * 1024)) ] || die "the process takes its limit for $limit"
ok "it knows its limit: $limit bytes"
say "image: $passed checks passed"
