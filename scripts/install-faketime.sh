#!/bin/sh
# Sees to it that the tests can give a process a wrong wall clock: libfaketime, from the system's packages where it is
# missing. Asks nothing.
set -eu

# The places where the tests look, see tests/it/chaos/wall_clock.rs.
found() {
    for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1 \
        /usr/lib64/faketime/libfaketimeMT.so.1 /usr/local/lib/faketime/libfaketimeMT.so.1; do
        if [ -e "$library" ]; then
            return 0
        fi
    done
    return 1
}

if found; then
    exit 0
fi

"$(dirname "$0")/install-packages.sh" libfaketime

if ! found; then
    echo "libfaketime is needed: 'apt-get install libfaketime' or 'dnf install libfaketime'." >&2
    exit 1
fi
