#!/bin/sh
# Says in one line what to install when the Rust toolchain is missing, too old or incomplete. Needs nothing itself.
set -eu
cd "$(dirname "$0")/.."

wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)

if ! command -v cargo >/dev/null 2>&1; then
    echo "Rust $wanted or newer is needed: see https://rustup.rs, then 'rustup toolchain install $wanted'." >&2
    exit 1
fi

found=$(rustc --version | cut -d ' ' -f 2)
# Compares major and minor; a patch release never matters.
number() { echo "$1" | awk -F . '{ print $1 * 1000 + $2 }'; }
if [ "$(number "$found")" -lt "$(number "$wanted")" ]; then
    echo "Rust $wanted or newer is needed, $found is there: 'rustup update stable'." >&2
    exit 1
fi

for component in "$@"; do
    if ! cargo "$component" --version >/dev/null 2>&1; then
        echo "cargo $component is needed: 'rustup component add rustfmt clippy'." >&2
        exit 1
    fi
done

# The crypto library is partly C.
if ! command -v cc >/dev/null 2>&1; then
    echo "A C compiler is needed: on Debian 'apt-get install gcc libc6-dev', on macOS 'xcode-select --install'." >&2
    exit 1
fi
