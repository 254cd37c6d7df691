#!/usr/bin/env bash
# Puts the real API server of Kubernetes, with its controllers, etcd, and kwok for the pods that nobody runs, into the cache; prints
# the folder. Compiled once: about ten minutes of processor time.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../stack/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../stack/common.sh"

KUBERNETES_VERSION=v1.34.4
ETCD_VERSION=v3.6.16
KWOK_VERSION=v0.8.0

go_build() {
  CGO_ENABLED=0 GOFLAGS='-buildvcs=false -p=1 -mod=mod' nice -n 15 go "$@"
}

# Kubernetes keeps its libraries in its own tree by `replace`, which holds for its own module only: ours says where they are published.
build_kubernetes() {
  local into=$1 module source
  module=$(mktemp -d)
  cd "$module"
  source=$(go mod download -json "k8s.io/kubernetes@$KUBERNETES_VERSION" | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
  {
    printf 'module cluster\n\n'
    grep -E '^(go|godebug) ' "$source/go.mod"
    printf '\nrequire k8s.io/kubernetes %s\n\nreplace (\n' "$KUBERNETES_VERSION"
    sed -n "s#^\s*\(k8s.io/[a-z-]*\) => ./staging/.*#\t\1 => \1 v0.${KUBERNETES_VERSION#v1.}#p" "$source/go.mod"
    echo ')'
  } >go.mod
  cat >tools.go <<'GO'
//go:build tools

package cluster

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
)
GO
  go_build mod tidy
  local minor=${KUBERNETES_VERSION#v1.}
  local flags="-s -w -X k8s.io/component-base/version.gitVersion=$KUBERNETES_VERSION"
  flags+=" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${minor%%.*}"
  for command in kube-apiserver kube-controller-manager kube-scheduler; do
    go_build build -trimpath -ldflags="$flags" -o "$into/" "k8s.io/kubernetes/cmd/$command"
  done
  rm -rf "$module"
}

build_etcd() {
  local into=$1 module
  module=$(mktemp -d)
  cd "$module"
  printf 'module cluster\n\ngo 1.24.0\n\nrequire go.etcd.io/etcd/server/v3 %s\n' "$ETCD_VERSION" >go.mod
  printf '//go:build tools\n\npackage cluster\n\nimport _ "go.etcd.io/etcd/server/v3"\n' >tools.go
  go_build build -trimpath -ldflags='-s -w' -o "$into/etcd" go.etcd.io/etcd/server/v3
  rm -rf "$module"
}

build_kwok() {
  GOBIN=$1 CGO_ENABLED=0 GOFLAGS='-buildvcs=false -p=1' nice -n 15 \
    go install -trimpath -ldflags='-s -w' "sigs.k8s.io/kwok/cmd/kwok@$KWOK_VERSION"
}

command -v go >/dev/null || die "Kubernetes is compiled with Go 1.25 or newer, which is not here (https://go.dev/dl)"
cached "etcd-$ETCD_VERSION" build_etcd
cached "kubernetes-$KUBERNETES_VERSION" build_kubernetes
cached "kwok-$KWOK_VERSION" build_kwok
say "$CACHE/etcd-$ETCD_VERSION:$CACHE/kubernetes-$KUBERNETES_VERSION:$CACHE/kwok-$KWOK_VERSION"
