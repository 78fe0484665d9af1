//! Conditions: observed facts about a workspace. They are the truth; the phase is a summary for people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The closed list of condition types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum ConditionType {
    /// What the account can tell before anything is made was checked.
    PreflightPassed,
    /// Databricks says the workspace runs.
    WorkspaceRunning,
    /// The workspace's name resolves and its API gave consecutive good answers.
    EndpointReachable,
    /// A PAT lies in the secret store.
    TokenDelivered,
    /// Everything the template requires is there.
    Ready,
}

/// Three-valued truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConditionStatus {
    /// Observed to hold.
    True,
    /// Observed not to hold.
    False,
    /// Not observed.
    Unknown,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Condition {
    /// What it is about.
    #[serde(rename = "type")]
    pub condition: ConditionType,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// PascalCase word from a closed list.
    pub reason: String,
    /// A sentence for people; may be empty.
    pub message: String,
    /// When `status` last changed.
    pub last_transition_at: DateTime<Utc>,
}

/// Sets a condition in `conditions`; `last_transition_at` moves only when the status does.
pub fn set_condition(
    conditions: &mut Vec<Condition>,
    condition: ConditionType,
    status: ConditionStatus,
    reason: &str,
    message: &str,
    now: DateTime<Utc>,
) {
    let fresh = Condition {
        condition,
        status,
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_transition_at: now,
    };
    match conditions.iter_mut().find(|c| c.condition == condition) {
        Some(old) => {
            let since = if old.status == status {
                old.last_transition_at
            } else {
                now
            };
            *old = Condition {
                last_transition_at: since,
                ..fresh
            };
        }
        None => conditions.push(fresh),
    }
}
