#!/bin/sh
# Installs packages of the system where that can be done without asking: on Debian and its kin, as root or with a sudo
# that wants no password. Anywhere else it does nothing: whoever calls it looks again, and names what is missing.
set -eu

root=
if [ "$(id -u)" -ne 0 ]; then
    root="sudo -n"
fi
if ! command -v apt-get >/dev/null 2>&1 || ! $root true 2>/dev/null; then
    exit 0
fi

echo "Installing from the system's packages: $*." >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! {
    $root apt-get update
    $root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
} </dev/null >"$log" 2>&1; then
    cat "$log" >&2
fi
