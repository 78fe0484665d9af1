//! The integration tests: one binary, one module per capability.

#![expect(
    clippy::disallowed_methods,
    reason = "tests stand outside: they talk HTTP to the product and read the environment of their run"
)]

mod admission;
mod audit;
mod azure;
mod bad_input;
mod canary;
mod chaos;
mod checker;
mod clients;
mod commands;
mod cost;
mod crash;
mod databricks;
mod declarative;
mod defences;
mod deletion;
mod expiry;
mod faults;
mod floors;
mod idempotency;
mod identity;
mod image;
mod lists;
mod live;
mod matrix;
mod metrics;
mod mutants;
mod networks;
mod observing;
mod outage;
mod pipeline;
mod problems;
mod promises;
mod provisioning;
mod reload;
mod restart;
mod retry;
mod roads;
mod roles;
mod rolling;
mod secret_stores;
mod simulation;
mod steering;
mod store_outage;
mod support;
mod swagger_ui;
mod sweep;
mod templates;
mod traces;
mod update;
mod versions;
mod waiting;
