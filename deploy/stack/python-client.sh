#!/usr/bin/env bash
# A Python with redis-py, as model services use it, for the tests: made once, in the cache. The last line is its path.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

REDIS_PY_VERSION=8.1.0

python_packages() {
  command -v python3 >/dev/null || echo python3
  # Debian's python3 cannot make an environment by itself.
  python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
}

# Its own programs, pip for one, name the folder it is built in and stay unused: only bin/python survives the rename.
build_python_client() {
  python3 -m venv "$1"
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir "redis==$REDIS_PY_VERSION"
}

mapfile -t missing < <(python_packages)
apt_install "${missing[@]}"

python_version=$(python3 -c 'import platform; print(platform.python_version())')
name=python-client-$REDIS_PY_VERSION-python$python_version
python=$CACHE/$name/bin/python

# An environment borrows the interpreter it was made with: one whose interpreter went away is made anew.
if [ -d "$CACHE/$name" ] && ! "$python" -c 'import redis' 2>/dev/null; then
  rm -rf "${CACHE:?}/$name"
fi
if [ ! -d "$CACHE/$name" ]; then
  say "python client: installing redis-py $REDIS_PY_VERSION (once)"
  cached "$name" build_python_client
fi
"$python" -c 'import redis' || die "the python client does not load; remove $CACHE/$name to make it anew"
printf '%s\n' "$python"
