#!/bin/sh
# Sees to it that the tests of the documentation page have Chromium and the driver they speak to it through. Installs
# the system's packages where they are missing. Asks nothing.
set -eu

found() { command -v chromedriver >/dev/null 2>&1 && chromedriver --version >/dev/null 2>&1; }

if found; then
    exit 0
fi

"$(dirname "$0")/install-packages.sh" chromium chromium-driver

if ! found; then
    echo "Chromium and its driver are needed: 'apt-get install chromium chromium-driver' or" \
        "'brew install --cask chromium chromedriver'." >&2
    exit 1
fi
