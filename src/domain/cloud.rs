//! Clouds and compute modes: two of the three coordinates of the plan table.

use serde::{Deserialize, Serialize};

/// The cloud a workspace lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cloud {
    /// Amazon Web Services, through the Databricks Account API.
    Aws,
}

/// Databricks' compute mode of a workspace.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ComputeMode {
    /// Compute in the customer's cloud account (`HYBRID` on the wire).
    #[default]
    Classic,
    /// Compute and storage in Databricks' own (`SERVERLESS` on the wire).
    Serverless,
}

impl Cloud {
    /// The name used in our API, logs and database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
        }
    }
}
