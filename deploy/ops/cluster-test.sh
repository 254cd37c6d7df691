#!/usr/bin/env bash
# The chart on a real API server: install, upgrade, scale, rollback, both workloads; the disruption budget; what the server refuses.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../stack/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../stack/common.sh"
# shellcheck source-path=SCRIPTDIR source=cluster.sh
. "$ROOT/deploy/ops/cluster.sh"
cd "$ROOT"

passed=0
ok() {
  passed=$((passed + 1))
  say "ok    $1"
}

# eventually SECONDS WHAT COMMAND...: until the command succeeds.
eventually() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { kubectl get all -A >&2 && die "still waiting: $what"; }
    sleep 0.2
  done
}

k() { kubectl --namespace features "$@"; }
h() { "$helm" --namespace features "$@"; }
field() { k get "$1" features-millrace -o "jsonpath={$2}"; }
is() { [ "$(field "$1" "$2")" = "$3" ]; }
images() { k get pods -o 'jsonpath={.items[*].spec.containers[0].image}' | tr ' ' '\n' | sort -u | tr '\n' ' '; }
only_image() { [ "$(images)" = "$1 " ]; }

install() { h upgrade --install features helm/millrace --values helm/millrace/ci/minimal-values.yaml --wait --timeout 3m "$@" >/dev/null; }

helm=$(deploy/ops/tools.sh helm | sed -n 's/^helm=//p')
folders=$(deploy/ops/cluster-tools.sh | tail -n 1)
IFS=: read -r etcd_dir kubernetes_dir kwok_dir <<<"$folders"
mkdir -p "$STACK"
trap cluster_down EXIT
began=$SECONDS
cluster_up "$etcd_dir" "$kubernetes_dir" "$kwok_dir"
say "API server $(kubectl version -o json | sed -n 's/.*"gitVersion": "\(v[^"]*\)".*/\1/p' | tail -n 1) up in $((SECONDS - began)) s"
kubectl create namespace features >/dev/null

install --set image.tag=one
eventually 90 '2 are ready' is deployment .status.readyReplicas 2
eventually 150 'all pods run millrace:one' only_image millrace:one
ok "install: two workers ready"

for values in helm/millrace/ci/{minimal,hpa}-values.yaml; do
  "$helm" template other helm/millrace --namespace features --values "$values" --kube-version 1.34.0 \
    --set monitoring.podMonitor=false,monitoring.prometheusRule=false |
    k apply --dry-run=server --validate=strict -f - >/dev/null || die "the server refuses what $values renders"
done
ok "the server itself accepts what is rendered, unknown fields refused"

eventually 60 'the disruption budget counts' is poddisruptionbudget .status.disruptionsAllowed 1
pod=$(k get pods -o 'jsonpath={.items[0].metadata.name}')
other=$(k get pods -o 'jsonpath={.items[1].metadata.name}')
evict() {
  printf '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"%s","namespace":"features"}}' "$1" |
    kubectl create --raw "/api/v1/namespaces/features/pods/$1/eviction" -f - 2>&1
}
# While no kubelet takes notice, the first one is still on its way out.
kill -STOP "$kwok_pid"
evict "$pod" >/dev/null
case $(evict "$other") in *'disruption budget'*) ;; *) die "a second pod could be evicted at once" ;; esac
kill -CONT "$kwok_pid"
ok "the disruption budget lets one go, and not two"
eventually 90 'the evicted one is replaced' is deployment .status.readyReplicas 2

install --set image.tag=two
eventually 150 'all pods run millrace:two' only_image millrace:two
[ "$(k get replicasets -o name | wc -l)" = 2 ] || die "there are not two replica sets"
ok "upgrade: replaced, one at a time"

install --set image.tag=two --set replicas=5
eventually 90 '5 are ready' is deployment .status.readyReplicas 5
install --set image.tag=two --set replicas=3
eventually 60 'it shrinks' is deployment .status.replicas 3
ok "scaled 2, 5, 3"

k scale deployment features-millrace --replicas=4 >/dev/null
eventually 90 'kubectl scale works' is deployment .status.readyReplicas 4
ok "kubectl scale: 4"

if install --set image.tag=two --set replicas=13 2>"$CLUSTER/refused"; then die "13 workers for 12 partitions were accepted"; fi
grep -q 'tasks for 12 workers only' "$CLUSTER/refused" || die "$(cat "$CLUSTER/refused")"
is deployment .spec.replicas 4 || die "a refused upgrade changed something"
ok "13 workers for 12 partitions are refused, and nothing changes"

h rollback features 1 --wait --timeout 3m >/dev/null
eventually 150 'all pods run millrace:one' only_image millrace:one
eventually 90 '2 are ready' is deployment .status.readyReplicas 2
ok "rollback: the first revision again"

install --set image.tag=two --set autoscaling.kind=hpa
is horizontalpodautoscaler .spec.maxReplicas 12 || die "the autoscaler is not capped at the partitions"
ok "an autoscaler instead, capped at the partitions"

h uninstall features --wait >/dev/null
h upgrade --install features helm/millrace --values helm/millrace/ci/minimal-values.yaml \
  --set workload=statefulset --set replicas=3 >/dev/null
is statefulset .spec.replicas 3 || die "the stateful set is not there"
three_claims() { [ "$(k get persistentvolumeclaims -o name | wc -l)" = 3 ]; }
eventually 60 'each pod asks for a volume of its own' three_claims
ok "as a stateful set: three pods, a volume claim each (nothing here makes volumes)"
say "cluster: $passed checks passed"
