//! The simulator over real sockets.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod account;
mod aws;
mod azure;
mod dns;
mod fates;
mod faults;
mod issuer;
mod login;
mod networks;
mod postgres;
mod program;
mod sdk;
mod strictness;
mod support;
mod tokens;
mod vault;
