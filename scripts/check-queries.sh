#!/bin/sh
# Compares .sqlx/ with the queries in the code and the schema in migrations/. With --write, renews it.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.tools/bin:$PATH"

mode=--check
if [ "${1:-}" = --write ]; then
    mode=
fi

export mode
# shellcheck disable=SC2016 # the inner shell expands it
if ! scripts/with-postgres.sh sh -euc 'cargo sqlx migrate run && cargo sqlx prepare $mode -- --all-targets'; then
    echo "If .sqlx/ is behind the code: make queries" >&2
    exit 1
fi
