#!/bin/sh
# Installs the vendor's own clients of Azure that a test runs, into .tools/azure-clients of this repository, at the versions
# in tests/azure_clients/; needs python3 with venv.
set -eu
cd "$(dirname "$0")/.."
there=.tools/azure-clients
wanted=tests/azure_clients/requirements.txt

# What it was made from lies beside it; it is copied last.
if cmp -s "$wanted" "$there/requirements.txt"; then
    echo "Azure's clients are there: $there"
    exit 0
fi

echo "Installing Azure's clients into $there." >&2
scripts/make-venv.sh "$there" --requirement "$wanted"
cp "$wanted" "$there/"
echo "Installed $there"
