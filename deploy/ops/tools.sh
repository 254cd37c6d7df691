#!/usr/bin/env bash
# Puts the tools that check charts, manifests, rules and dashboards into the cache, and prints where they are, as
# NAME=PATH lines. promtool is Debian's; the others are compiled once (about three minutes of processor time).
#
#   deploy/ops/tools.sh [helm] [helm-unittest] [kubeconform] [promtool] [prometheus]     default: all
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../stack/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../stack/common.sh"

HELM_VERSION=v3.22.0
HELM_UNITTEST_VERSION=v1.1.2
KUBECONFORM_VERSION=v0.8.0

go_build() {
  CGO_ENABLED=0 GOFLAGS='-buildvcs=false -p=1' nice -n 15 go "$@"
}

go_install() {
  local into=$1 package=$2
  GOBIN=$into go_build install -trimpath -ldflags='-s -w' "$package"
}

build_helm() { go_install "$1" "helm.sh/helm/v3/cmd/helm@$HELM_VERSION"; }
build_kubeconform() { go_install "$1" "github.com/yannh/kubeconform/cmd/kubeconform@$KUBECONFORM_VERSION"; }

# Its go.mod replaces a module, so `go install` refuses it: a module of our own says the same.
build_helm_unittest() {
  local into=$1 module
  module=$(mktemp -d)
  cat >"$module/go.mod" <<MOD
module tools

go 1.25.0

require github.com/helm-unittest/helm-unittest $HELM_UNITTEST_VERSION

replace github.com/vmware-labs/yaml-jsonpath v0.3.2 => github.com/helm-unittest/yaml-jsonpath v0.4.0
MOD
  cat >"$module/tools.go" <<'GO'
//go:build tools

package tools

import _ "github.com/helm-unittest/helm-unittest/cmd/helm-unittest"
GO
  (
    cd "$module"
    # Not `go mod tidy`: it would fetch what the tests of all dependencies need.
    go_build build -mod=mod -trimpath -ldflags='-s -w' -o "$into/helm-unittest" github.com/helm-unittest/helm-unittest/cmd/helm-unittest
  )
  rm -rf "$module"
}

# compiled NAME VERSION BUILDER
compiled() {
  local name=$1 version=$2 builder=$3
  if [ ! -d "$CACHE/$name-$version" ]; then
    command -v go >/dev/null || die "$name is compiled with Go 1.25 or newer, which is not here (https://go.dev/dl)"
    say "building $name $version (minutes, once)" >&2
    cached "$name-$version" "$builder"
  fi
  say "$name=$CACHE/$name-$version/$name"
}

# Debian starts the server on installation; only what was installed just now is turned off again.
debian_prometheus() {
  have_package prometheus && return 0
  apt_install prometheus >&2
  as_root service prometheus stop >/dev/null 2>&1 </dev/null || true
  as_root update-rc.d prometheus disable >/dev/null 2>&1 </dev/null || true
}

tool() {
  case $1 in
    helm) compiled helm "$HELM_VERSION" build_helm ;;
    helm-unittest) compiled helm-unittest "$HELM_UNITTEST_VERSION" build_helm_unittest ;;
    kubeconform) compiled kubeconform "$KUBECONFORM_VERSION" build_kubeconform ;;
    promtool | prometheus)
      command -v "$1" >/dev/null || debian_prometheus
      say "$1=$(command -v "$1")"
      ;;
    *) die "no such tool: $1" ;;
  esac
}

[ $# -gt 0 ] || set -- promtool kubeconform helm helm-unittest
for name; do tool "$name"; done
