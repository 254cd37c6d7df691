#!/bin/sh
# Says clearly when node is missing or too old. Plain sh: it runs before anything else is there.
if ! command -v node >/dev/null 2>&1; then
  echo 'Millrace needs Node.js 20.19 or newer, and there is no "node" in PATH. https://nodejs.org (see .nvmrc)'
  exit 1
fi
version=$(node --version)
major=${version#v} major=${major%%.*}
minor=${version#*.} minor=${minor%%.*}
if [ "$major" -lt 20 ] || { [ "$major" -eq 20 ] && [ "$minor" -lt 19 ]; }; then
  echo "Millrace needs Node.js 20.19 or newer; \"node\" in PATH is $version ($(command -v node)). See .nvmrc."
  exit 1
fi
