#!/bin/sh
# Sees to it that the script of a pipeline in README.md can run, as it does in the tests.
set -eu
cd "$(dirname "$0")/.."

missing() {
    for tool in bash curl jq; do
        command -v "$tool" >/dev/null 2>&1 || echo "$tool"
    done
}

if [ -n "$(missing)" ]; then
    # shellcheck disable=SC2046 # one word each
    scripts/install-packages.sh $(missing)
fi
if [ -n "$(missing)" ]; then
    echo "bash, curl and jq are needed: 'apt-get install bash curl jq' or 'brew install bash curl jq'." >&2
    exit 1
fi
