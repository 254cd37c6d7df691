#!/usr/bin/env bash
# Puts the tools that check charts, manifests, rules and dashboards into the cache, and prints where they are, as
# NAME=PATH lines. promtool is Debian's; the others are compiled once (about six minutes of processor time).
#
#   deploy/ops/tools.sh [helm] [helm-unittest] [kubeconform] [docker-compose] [promtool] [prometheus]     default: all but the last
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../stack/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../stack/common.sh"

HELM_VERSION=v3.22.0
HELM_UNITTEST_VERSION=v1.1.2
KUBECONFORM_VERSION=v0.8.0
COMPOSE_VERSION=v2.40.3

go_build() {
  CGO_ENABLED=0 GOFLAGS='-buildvcs=false -p=1' nice -n 15 go "$@"
}

go_install() {
  local into=$1 package=$2
  GOBIN=$into go_build install -trimpath -ldflags='-s -w' "$package"
}

build_helm() { go_install "$1" "helm.sh/helm/v3/cmd/helm@$HELM_VERSION"; }
build_kubeconform() { go_install "$1" "github.com/yannh/kubeconform/cmd/kubeconform@$KUBECONFORM_VERSION"; }

# go_build_in INTO NAME PACKAGE MODULE@VERSION [LINE...]: for modules whose go.mod replaces or excludes others, which `go install` refuses.
# A module of our own, with these lines, says what is needed of that.
go_build_in() {
  local into=$1 name=$2 package=$3 required=$4 module
  shift 4
  module=$(mktemp -d)
  {
    printf 'module tools\n\ngo 1.25.0\n\nrequire %s\n' "${required/@/ }"
    printf '%s\n' "$@"
  } >"$module/go.mod"
  printf '//go:build tools\n\npackage tools\n\nimport _ "%s"\n' "$package" >"$module/tools.go"
  (
    cd "$module"
    # Not `go mod tidy`: it would fetch what the tests of all dependencies need.
    go_build build -mod=mod -trimpath -ldflags='-s -w' -o "$into/$name" "$package"
  )
  rm -rf "$module"
}

build_helm_unittest() {
  local module=github.com/helm-unittest/helm-unittest
  go_build_in "$1" helm-unittest "$module/cmd/helm-unittest" "$module@$HELM_UNITTEST_VERSION" \
    'replace github.com/vmware-labs/yaml-jsonpath v0.3.2 => github.com/helm-unittest/yaml-jsonpath v0.4.0'
}

build_compose() {
  go_build_in "$1" docker-compose github.com/docker/compose/v2/cmd "github.com/docker/compose/v2@$COMPOSE_VERSION"
}

# The plugin of a Docker that is here runs by itself too.
docker_compose() {
  local folder
  for folder in "$HOME/.docker" /usr/local/lib/docker /usr/local/libexec/docker /usr/lib/docker /usr/libexec/docker; do
    [ ! -x "$folder/cli-plugins/docker-compose" ] || { say "docker-compose=$folder/cli-plugins/docker-compose" && return; }
  done
  compiled docker-compose "$COMPOSE_VERSION" build_compose
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
    docker-compose) docker_compose ;;
    promtool | prometheus)
      command -v "$1" >/dev/null || debian_prometheus
      say "$1=$(command -v "$1")"
      ;;
    *) die "no such tool: $1" ;;
  esac
}

[ $# -gt 0 ] || set -- promtool kubeconform helm helm-unittest docker-compose
for name; do tool "$name"; done
