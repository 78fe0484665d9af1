//! The phase: one word for people, derived from facts by a pure function and stored only for filtering.

use super::condition::{Condition, ConditionStatus, ConditionType};
use super::operation::{OperationKind, OperationStatus};
use serde::{Deserialize, Serialize};

/// One word for people. Programs read conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Accepted, not begun.
    Pending,
    /// Being made.
    Provisioning,
    /// Usable.
    Ready,
    /// Usable, while what the vendor holds of it is changed.
    Updating,
    /// Being removed.
    Deleting,
    /// Gone; readable by id for a while.
    Deleted,
    /// The create ended with a problem; kept for repair until `keep_failed_seconds` is over. Or it was ready, and is no
    /// longer there or of use: `problem` says why.
    Failed,
}

impl Phase {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Provisioning => "provisioning",
            Self::Ready => "ready",
            Self::Updating => "updating",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Failed => "failed",
        }
    }

    /// Whether its life has begun and not ended.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Ready | Self::Updating)
    }
}

/// The phase that follows from the newest begun operation and the conditions.
///
/// An operation that is queued for later (the delete of a failed workspace that is being kept) has not begun
/// and does not count.
pub fn phase(kind: OperationKind, status: OperationStatus, conditions: &[Condition]) -> Phase {
    use OperationStatus as S;
    let ready = conditions
        .iter()
        .any(|c| c.condition == ConditionType::Ready && c.status == ConditionStatus::True);
    match (kind, status) {
        (OperationKind::Delete, S::Succeeded) => Phase::Deleted,
        (OperationKind::Delete, _) => Phase::Deleting,
        (OperationKind::Update, _) if !ready => Phase::Failed,
        (OperationKind::Update, S::Succeeded | S::Failed | S::Cancelled) => Phase::Ready,
        (OperationKind::Update, _) => Phase::Updating,
        (OperationKind::Create, S::Queued) => Phase::Pending,
        (OperationKind::Create, S::Succeeded) if ready => Phase::Ready,
        (OperationKind::Create, S::Failed | S::Cancelled | S::Succeeded) => Phase::Failed,
        (OperationKind::Create, S::Running | S::Cancelling | S::NeedsAttention) => {
            Phase::Provisioning
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_needs_the_condition() {
        let ready = Condition {
            condition: ConditionType::Ready,
            status: ConditionStatus::True,
            reason: "AllConditionsMet".into(),
            message: String::new(),
            last_transition_at: chrono::DateTime::UNIX_EPOCH,
        };
        let create = OperationKind::Create;
        assert_eq!(
            phase(
                create,
                OperationStatus::Succeeded,
                std::slice::from_ref(&ready)
            ),
            Phase::Ready
        );
        assert_eq!(
            phase(create, OperationStatus::Succeeded, &[]),
            Phase::Failed
        );
        assert_eq!(
            phase(
                create,
                OperationStatus::Failed,
                std::slice::from_ref(&ready)
            ),
            Phase::Failed
        );
        let update = |status| phase(OperationKind::Update, status, std::slice::from_ref(&ready));
        assert_eq!(update(OperationStatus::Queued), Phase::Updating);
        // What could not be changed is as usable as before.
        assert_eq!(update(OperationStatus::Failed), Phase::Ready);
        let delete = OperationKind::Delete;
        assert_eq!(
            phase(delete, OperationStatus::Running, &[ready]),
            Phase::Deleting
        );
        assert_eq!(
            phase(delete, OperationStatus::Succeeded, &[]),
            Phase::Deleted
        );
    }
}
