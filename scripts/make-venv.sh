#!/bin/sh
# Makes a virtual environment of Python in a new directory, with these packages: what pip's install takes.
set -eu

directory=$1
shift

# Debian has venv in a package of its own; without it, ensurepip is missing.
whole() { python3 -c 'import ensurepip, venv' 2>/dev/null; }
if ! whole; then
    "$(dirname "$0")/install-packages.sh" python3 python3-venv
fi
if ! whole; then
    echo "Python 3 with venv is needed: 'apt-get install python3-venv' or 'brew install python'." >&2
    exit 1
fi

rm -rf "$directory"
python3 -m venv "$directory"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
