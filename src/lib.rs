//! Brickyard gives a company's teams Databricks workspaces on request.
//!
//! Requests come in at the top floor ([`http`]), are checked by the doorkeeper ([`auth`]) and become rows ([`store`],
//! [`queue`]) in one transaction. Workers take a job under a lease and let [`provisioning`] drive the operation one
//! named step at a time; steps reach the outside through [`cloud`] and [`secrets`]. A crash at any point continues at
//! the last checkpoint. What cannot be finished is explained, repaired, or undone last step first.
//!
//! | floor | rooms |
//! | --- | --- |
//! | roof | [`cli`] parses, [`app`] composes, [`live`] asks the outside beforehand, `dev` plays everything on a laptop, [`config`] reads file and environment |
//! | 4, the front | [`http`]: the REST API, its OpenAPI document and Swagger UI |
//! | 3, the work | [`provisioning`]: requests become rows; plan, steps and engine; observer, expiry, sweep and sealing |
//! | 2, rooms that do not know each other | [`auth`], [`store`], [`queue`], [`cloud`], [`secrets`] |
//! | 1, wires | [`databricks`]; `azure`: tokens of Entra ID; [`traces`] carries spans to a collector |
//! | ground | [`domain`], [`clock`], [`metrics`], [`bearer`] for tokens that end, [`throttle`] for others' limits; above them [`outbound`], the one door to others, and [`telemetry`] |
//!
//! A room imports only from floors below it; `tests/it/floors` reads the imports and holds us to it.

pub mod app;
pub mod auth;
#[cfg(feature = "azure")]
pub mod azure;
pub mod bearer;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod config;
pub mod databricks;
#[cfg(feature = "dev")]
pub mod dev;
pub mod domain;
pub mod http;
pub mod live;
pub mod metrics;
pub mod outbound;
pub mod provisioning;
pub mod queue;
pub mod secrets;
pub mod store;
pub mod telemetry;
pub mod throttle;
#[cfg(feature = "otlp")]
pub mod traces;
