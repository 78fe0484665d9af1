#!/bin/sh
# Lints what makes the image and the tour: the Dockerfile with hadolint, docker-compose.yml with Docker's own reader where
# its client has one, else against the schema of the compose specification. Asks no engine.
set -eu
cd "$(dirname "$0")/.."

.tools/image/bin/hadolint Dockerfile
if docker compose version >/dev/null 2>&1; then
    docker compose --file docker-compose.yml config --quiet
    echo "Dockerfile and docker-compose.yml are sound (hadolint, docker compose)."
else
    .tools/image/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
    echo "Dockerfile and docker-compose.yml are sound (hadolint, schema of the compose specification)."
fi
