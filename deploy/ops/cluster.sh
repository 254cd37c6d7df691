# shellcheck shell=bash
# A real API server with its controllers on loopback, and kwok in place of kubelets: objects behave, no container runs.

API_PORT=26443
ETCD_PORT=22379
CLUSTER=$STACK/cluster

cluster_pids=()
kwok_pid=

# background NAME COMMAND...
background() {
  local name=$1
  shift
  "$@" >"$CLUSTER/$name.log" 2>&1 </dev/null &
  cluster_pids+=($!)
}

write_kubeconfig() {
  cat >"$CLUSTER/kubeconfig" <<CONFIG
apiVersion: v1
kind: Config
clusters: [{ name: local, cluster: { server: 'https://127.0.0.1:$API_PORT', insecure-skip-tls-verify: true } }]
users: [{ name: local, user: { token: local } }]
contexts: [{ name: local, context: { cluster: local, user: local } }]
current-context: local
CONFIG
  export KUBECONFIG=$CLUSTER/kubeconfig
}

# cluster_up ETCD_DIR KUBERNETES_DIR KWOK_DIR
cluster_up() {
  local etcd=$1/etcd kubernetes=$2 kwok=$3/kwok
  rm -rf "$CLUSTER"
  mkdir -p "$CLUSTER"
  openssl genrsa -out "$CLUSTER/accounts.key" 2048 2>/dev/null
  # Of this loopback-only cluster; it opens nothing else.
  echo 'local,local,local,"system:masters"' >"$CLUSTER/tokens.csv"
  write_kubeconfig
  background etcd "$etcd" --data-dir "$CLUSTER/etcd" --unsafe-no-fsync --log-level error \
    --listen-client-urls "http://127.0.0.1:$ETCD_PORT" --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" \
    --listen-peer-urls "http://127.0.0.1:$((ETCD_PORT + 1))" \
    --initial-advertise-peer-urls "http://127.0.0.1:$((ETCD_PORT + 1))" \
    --initial-cluster "default=http://127.0.0.1:$((ETCD_PORT + 1))"
  background apiserver "$kubernetes/kube-apiserver" --etcd-servers="http://127.0.0.1:$ETCD_PORT" --bind-address=127.0.0.1 \
    --advertise-address=127.0.0.1 --secure-port=$API_PORT --cert-dir="$CLUSTER/certs" \
    --service-account-key-file="$CLUSTER/accounts.key" --service-account-signing-key-file="$CLUSTER/accounts.key" \
    --service-account-issuer="https://127.0.0.1:$API_PORT" --token-auth-file="$CLUSTER/tokens.csv" \
    --authorization-mode=RBAC --service-cluster-ip-range=10.0.0.0/24 --disable-admission-plugins=ServiceAccount
  local end=$((SECONDS + 180))
  until kubectl get --raw /readyz >/dev/null 2>&1; do
    kill -0 "${cluster_pids[1]}" 2>/dev/null || { tail -n 5 "$CLUSTER/apiserver.log" >&2 && die "the API server has ended"; }
    [ "$SECONDS" -lt "$end" ] || die "the API server is not ready after three minutes"
    sleep 0.2
  done
  # kwok's nodes send no heartbeats.
  background controllers "$kubernetes/kube-controller-manager" --kubeconfig="$KUBECONFIG" --leader-elect=false \
    --node-monitor-grace-period=1h \
    --service-account-private-key-file="$CLUSTER/accounts.key" --root-ca-file="$CLUSTER/certs/apiserver.crt" --secure-port=0
  background scheduler "$kubernetes/kube-scheduler" --kubeconfig="$KUBECONFIG" --leader-elect=false --secure-port=0
  background kwok "$kwok" --config deploy/ops/kwok/stages.yaml --kubeconfig="$KUBECONFIG" --manage-all-nodes=true \
    --server-address=127.0.0.1:$((API_PORT + 1))
  kwok_pid=$!
  kubectl apply -f deploy/ops/kwok/node.yaml >/dev/null
}

cluster_down() {
  local pid
  for pid in "${cluster_pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    # A frozen one would never see it.
    kill -CONT "$pid" 2>/dev/null || true
  done
  wait "${cluster_pids[@]}" 2>/dev/null || true
}
