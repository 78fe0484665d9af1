# The commands of this repository; `make` alone lists them.
#
# They ask nothing, need no terminal and no internet beyond the package registries, run as root and as anybody else,
# and keep what they install in .tools/ (but for Postgres and Chromium, which are the system's).

MAKEFLAGS += --no-print-directory --no-builtin-rules
.NOTPARALLEL:
.DEFAULT_GOAL := help

# Queries are checked against .sqlx/ at build time, whatever DATABASE_URL says: that one is for running.
export SQLX_OFFLINE := true

# containers/ stands outside the workspace and takes minutes to build: it is built, tested and linted only where a Docker
# engine answers. Its program has to lie beside the service's, where the tests look for it.
CONTAINERS := --locked --quiet --manifest-path containers/Cargo.toml --target-dir $(or $(CARGO_TARGET_DIR),target)

.PHONY: help
help: ## List these commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: toolchain postgres ## See it work: one workspace made, one that fails, all of it gone again (on AWS, or CLOUD=azure).
	@cargo build --locked --bin brickyard --example demo
	@cargo run --locked --quiet --example demo

.PHONY: dev
dev: toolchain postgres ## Run it in a simulated world that stays up until Ctrl-C (on AWS, or CLOUD=azure).
	@cargo build --locked --bin brickyard
	@cargo run --locked --quiet --bin brickyard -- dev --cloud $(or $(CLOUD),aws)

.PHONY: test
test: toolchain postgres-binaries store-servers clients azure-clients chromium pipeline faketime previous ## Run the whole suite, two minutes of simulation in it.
	scripts/with-engine.sh cargo test $(CONTAINERS)
	SIMULATION_SECONDS=120 cargo test --locked --workspace

.PHONY: soak
soak: toolchain postgres-binaries ## Simulate for longer: a thousand seeds, or SEEDS.
	SIMULATION_SEEDS=$(or $(SEEDS),1000) cargo test --locked --test it simulation::no_seed_ends_badly

.PHONY: chaos
chaos: toolchain postgres-binaries faketime ## Let three real replicas be killed, frozen and cut off: ten minutes, or CHAOS_SECONDS.
	CHAOS_SECONDS=$(or $(CHAOS_SECONDS),600) cargo test --locked --test it chaos::three_replicas -- --nocapture

.PHONY: lint
lint: toolchain-lint postgres-binaries tools ## Check what a machine can check.
	cargo fmt --all --check
	cargo fmt --manifest-path containers/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	for features in "" aws,azure,otlp dev; do \
		cargo clippy --locked --package brickyard --no-default-features --features "$$features" --lib --bins -- -D warnings || exit 1; \
	done
	scripts/with-engine.sh cargo clippy $(CONTAINERS) --all-targets -- -D warnings
	for manifest in Cargo.toml containers/Cargo.toml; do \
		PATH="$$PWD/.tools/bin:$$PATH" cargo deny --locked --manifest-path "$$manifest" --config deny.toml check licenses bans sources || exit 1; \
	done
	cargo test --locked --quiet --test it floors::
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --quiet --workspace --no-deps --document-private-items
	scripts/check-queries.sh
	scripts/check-image.sh
	cargo run --locked --quiet --bin brickyard -- openapi --check

.PHONY: mutants
mutants: toolchain postgres-binaries ## Make one-line defects, one at a time, and see that a test fails (or one: MUTANT).
	cargo run --locked --quiet --example mutants -- $(MUTANT)

.PHONY: bench
bench: toolchain postgres-binaries ## Measure it beside bounds taken in the same run (PART=requests, jobs or workspaces; PART=restart only when asked for).
	cargo bench --locked --quiet --bench service -- $(PART)

.PHONY: queries
queries: toolchain postgres-binaries tools ## Renew .sqlx/ after a query or a migration changed.
	scripts/check-queries.sh --write

.PHONY: openapi
openapi: toolchain ## Renew openapi/openapi.json after an endpoint changed.
	cargo run --locked --quiet --bin brickyard -- openapi

.PHONY: faults
faults: toolchain ## Renew docs/faults.md after a step or the fault matrix changed.
	MATRIX_PAGE=write cargo test --locked --quiet --test it matrix::page::

# What the others lack, installed or named in one line.

.PHONY: toolchain toolchain-lint postgres postgres-binaries store-servers clients azure-clients chromium pipeline faketime previous tools
toolchain:
	@scripts/check-toolchain.sh
toolchain-lint:
	@scripts/check-toolchain.sh fmt clippy
postgres:
	@scripts/install-postgres.sh
postgres-binaries:
	@scripts/install-postgres.sh --binaries
store-servers:
	@scripts/install-store-servers.sh
clients:
	@scripts/install-clients.sh
azure-clients:
	@scripts/install-azure-clients.sh
chromium:
	@scripts/install-chromium.sh
pipeline:
	@scripts/install-pipeline.sh
faketime:
	@scripts/install-faketime.sh
previous: toolchain
	@scripts/build-previous.sh
tools: toolchain
	@scripts/install-tools.sh
