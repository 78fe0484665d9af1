//! Databricks' wire: the only room that knows the vendor's paths, JSON names, error shapes and OAuth.
//!
//! A call goes through [`client`]: the rate limit ([`throttle`](crate::throttle)) lets it pass or says how long to wait, [`login`]
//! lends a proof, `outbound` sends once, and the answer is either what was asked for or an [`error::Error`] whose
//! [`class::Class`] says what the vendor means, since its codes do not. On one 401 the token is dropped and the
//! call is repeated once: a refused call did nothing. [`account`] and [`workspace`] hold one small function per
//! call of the vendor.
//!
//! This room refuses to retry, to wait long, to follow redirects, to take HTML for success, to send a token to a
//! host outside the configured domain ([`host`]), and to know anything of our workspaces and steps.

pub mod account;
pub mod class;
pub mod client;
pub mod error;
pub mod host;
pub mod login;
pub mod oauth;
mod shape;
pub mod values;
pub mod workspace;

pub use class::Class;
pub use client::{Client, Hosts, Limits, Settings};
pub use error::{ApiError, Error, Side};
