//! Brickyard gives a company's teams Databricks workspaces on request.

pub mod clock;
pub mod domain;
pub mod outbound;
pub mod telemetry;
