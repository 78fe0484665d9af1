#!/bin/sh
# Installs the two generators of API clients that the tests run, into .tools/clients of this repository, at the versions
# in tests/clients/. Node comes as a Python package that carries the official binary; needs python3 with venv.
set -eu
cd "$(dirname "$0")/.."
there=.tools/clients
wanted="requirements.txt package.json package-lock.json"

# What it was made from lies beside it; it is copied last.
current() {
    for file in $wanted; do
        cmp -s "tests/clients/$file" "$there/$file" || return 1
    done
}
if current && [ -f "$there/whole" ]; then
    echo "The generators are there: $there"
    exit 0
fi

echo "Installing the generators of API clients into $there." >&2
scripts/make-venv.sh "$there" --requirement tests/clients/requirements.txt
for file in $wanted; do
    cp "tests/clients/$file" "$there/"
done
(cd "$there" && PATH="$PWD/bin:$PATH" npm ci --silent --no-audit --no-fund --ignore-scripts --omit-lockfile-registry-resolved)
touch "$there/whole"
echo "Installed $there"
