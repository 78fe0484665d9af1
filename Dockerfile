# Two images: the service, which is the last stage and so the default, and the simulator of `docker-compose.yml`
# (--target simulator). Only the build needs BuildKit, for its caches: any since Docker 20.10, so no frontend is pulled.

FROM rust:1.95.0-bookworm AS build
WORKDIR /src
COPY . .
# The queries were checked when they were committed; the build asks no database.
ENV SQLX_OFFLINE=true

FROM build AS build-service
# Cargo features of the service. `dev` would put the simulator into it.
ARG FEATURES="aws,azure,otlp"
# What `GET /version` names; the build asks no git.
ARG BRICKYARD_COMMIT=""
ENV BRICKYARD_COMMIT=${BRICKYARD_COMMIT}
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --release --no-default-features --features "${FEATURES}" --package brickyard --bin brickyard \
    && cp target/release/brickyard /brickyard

FROM build AS build-simulator
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --release --package simulator --bin simulator \
    && cp target/release/simulator /simulator

# Has curl, with which callers get a token of the simulated issuer, and with which its health is looked at.
FROM buildpack-deps:bookworm-curl AS simulator
COPY --from=build-simulator /simulator /usr/local/bin/simulator
USER 65532:65532
ENTRYPOINT ["simulator"]

# No shell, no package manager; the C library, root certificates and nothing else. Runs with a read-only root and without
# any capability, and writes no file. There is no HEALTHCHECK, since nothing in here could ask: probe `/livez` and `/readyz`
# of the API over HTTP, and `/livez` of `server.metrics_listen` where a process only works.
FROM gcr.io/distroless/cc-debian12:nonroot AS service
COPY --from=build-service /brickyard /usr/local/bin/brickyard
USER 65532:65532
ENV BRICKYARD_SERVER__LISTEN=0.0.0.0:8080 BRICKYARD_LOG__FORMAT=json
EXPOSE 8080
ENTRYPOINT ["brickyard"]
CMD ["all"]
