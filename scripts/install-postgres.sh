#!/bin/sh
# Sees to it that `dev` and `demo` can have a Postgres: DATABASE_URL of a running one, or binaries to start a throwaway
# one from. Installs the system's package where neither is there. Asks nothing. With --binaries, a URL does not do: the
# tests start servers of their own in any case.
set -eu

if [ "${1:-}" != --binaries ] && [ -n "${DATABASE_URL:-}" ]; then
    exit 0
fi

whole() { [ -x "$1/initdb" ] && [ -x "$1/postgres" ]; }

if [ -n "${PG_BIN:-}" ]; then
    if whole "$PG_BIN"; then
        exit 0
    fi
    echo "PG_BIN=$PG_BIN has no initdb and postgres." >&2
    exit 1
fi

# The places where the throwaway server is looked for, see simulator/src/postgres/install.rs.
found() {
    if whole "$(pg_config --bindir 2>/dev/null || true)"; then
        return 0
    fi
    for directory in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
        if whole "$directory"; then
            return 0
        fi
    done
    initdb=$(command -v initdb 2>/dev/null) && whole "$(dirname "$initdb")"
}

if found; then
    exit 0
fi

"$(dirname "$0")/install-packages.sh" postgresql

if ! found; then
    echo "Postgres is needed: 'apt-get install postgresql' or 'brew install postgresql', or set PG_BIN to a" \
        "directory with initdb and postgres, or DATABASE_URL to a running server." >&2
    exit 1
fi
