# shellcheck shell=bash
# S3: versitygw over a plain folder, with versioning and conditional puts.

S3_VERSION=v1.8.0
S3_HOME=$CACHE/versitygw-$S3_VERSION

s3_packages() {
  command -v curl >/dev/null || echo curl
  [ -d "$S3_HOME" ] || command -v go >/dev/null || echo golang-go
}

build_s3() {
  CGO_ENABLED=0 GOBIN=$1 GOFLAGS=-buildvcs=false nice \
    go install -trimpath -ldflags='-s -w' "github.com/versity/versitygw/cmd/versitygw@$S3_VERSION"
}

s3_fetch() {
  [ -d "$S3_HOME" ] && return 0
  local go_minor
  go_minor=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  # From 1.21 on, go gets itself the newer toolchain a module asks for, unless told not to.
  if [ "${go_minor:-0}" -lt 21 ] || { [ "$go_minor" -lt 25 ] && [ "$(go env GOTOOLCHAIN)" = local ]; }; then
    die "s3: versitygw $S3_VERSION needs Go 1.25 or newer, here is $(go env GOVERSION) (Debian's own is too old).
Install a current Go from go.dev/dl and put it first in PATH, or put a ready versitygw binary at $S3_HOME/versitygw"
  fi
  say "s3: building versitygw $S3_VERSION (minutes, once)"
  cached "versitygw-$S3_VERSION" build_s3
}

s3_start() {
  mkdir -p "$STACK/s3/data" "$STACK/s3/versions"
  ROOT_ACCESS_KEY_ID=$S3_ACCESS_KEY ROOT_SECRET_ACCESS_KEY=$S3_SECRET_KEY \
    spawn s3 "$S3_HOME/versitygw" --port "$HOST:$S3_PORT" --region "$S3_REGION" --quiet --keep-alive \
    posix --versioning-dir "$STACK/s3/versions" "$STACK/s3/data"
}

# s3_request METHOD PATH: prints the HTTP status of a signed request. Older curls leave the hash header out.
s3_request() {
  curl -s -m 5 -o /dev/null -w '%{http_code}' -X "$1" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
    --aws-sigv4 "aws:amz:$S3_REGION:s3" --user "$S3_ACCESS_KEY:$S3_SECRET_KEY" "http://$HOST:$S3_PORT$2"
}

s3_healthy() { [ "$(s3_request GET /)" = 200 ]; }

s3_prepare() {
  case $(s3_request PUT "/$S3_BUCKET") in
    200 | 409) ;; # made, or there already
    *) return 1 ;;
  esac
}

s3_terminate() { kill -TERM "$1"; }
