#!/bin/sh
# Runs a command with DATABASE_URL naming an empty throwaway Postgres, which ends with it.
#
#     scripts/with-postgres.sh cargo sqlx migrate run
set -eu
cd "$(dirname "$0")/.."

cargo build --quiet --locked --package simulator
simulator=${CARGO_TARGET_DIR:-target}/debug/simulator

said=$(mktemp)
"$simulator" --postgres >"$said" &
server=$!
stop() {
    kill -INT "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    rm -f "$said"
}
trap stop EXIT
trap 'exit 130' INT TERM

# It prints its process id and its URL once it accepts connections.
until [ -s "$said" ]; do
    if ! kill -0 "$server" 2>/dev/null; then
        echo "The throwaway Postgres did not start." >&2
        exit 1
    fi
    sleep 0.1
done
DATABASE_URL=$(cut -d ' ' -f 2 "$said")
export DATABASE_URL
# With this set, sqlx would read .sqlx/ and not look at the database.
unset SQLX_OFFLINE

"$@"
