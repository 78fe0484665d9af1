//! Brickyard gives a company's teams Databricks workspaces on request.

pub mod auth;
pub mod clock;
pub mod cloud;
pub mod databricks;
pub mod domain;
pub mod http;
pub mod outbound;
pub mod provisioning;
pub mod queue;
pub mod secrets;
pub mod store;
pub mod telemetry;
