//! Operations: the work on a workspace that a caller can follow, and its steps.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What the operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Make a workspace: the plan's steps, first to last.
    Create,
    /// Change what the vendor holds of it, while it is used.
    Update,
    /// Remove it: the same steps undone, last first.
    Delete,
}

/// Where the operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    /// Accepted; no worker has looked at it yet.
    Queued,
    /// At least one step was begun.
    Running,
    /// Asked to stop; the current call is awaited.
    Cancelling,
    /// Cannot go on without a person; nothing was thrown away.
    NeedsAttention,
    /// Ended well.
    Succeeded,
    /// Ended with a problem.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
}

impl OperationKind {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl OperationStatus {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::NeedsAttention => "needs_attention",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// True for the three final ones; never becomes false again.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Begun, perhaps waiting.
    Running,
    /// Done.
    Succeeded,
    /// Ended the operation.
    Failed,
    /// Not needed for this workspace.
    Skipped,
    /// Its effect was removed.
    Undone,
}

/// One step of an operation as callers see it. The list is complete from the first answer on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StepRecord {
    /// Name from the plan.
    pub name: String,
    /// What became of it.
    pub status: StepStatus,
    /// Tries that failed and counted, plus one; 0 before the first.
    pub attempt: u32,
    /// When it was begun.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// From begin to end, in milliseconds.
    pub duration_ms: Option<i64>,
    /// A sentence for people.
    pub message: String,
}

impl StepRecord {
    /// A step that has not begun.
    pub fn pending(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            status: StepStatus::Pending,
            attempt: 0,
            started_at: None,
            finished_at: None,
            duration_ms: None,
            message: String::new(),
        }
    }
}

/// What an unfinished operation waits for, where it is not the vendor's ordinary progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// Databricks is building, changing or removing something.
    Databricks,
    /// The secret store is down, sealed or refuses us.
    SecretStore,
    /// Databricks asked us to slow down.
    Throttling,
}

impl WaitingFor {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Databricks => "databricks",
            Self::SecretStore => "secret_store",
            Self::Throttling => "throttling",
        }
    }
}
