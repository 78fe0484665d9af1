//! What the engine lends to a step: the workspace, its external ids, a memo, the outside, and permits.

use super::Settings;
use super::patience::Patience;
use super::step::{Call, Halt};
use crate::clock::Clock;
use crate::cloud::Provider;
use crate::domain::condition::{Condition, ConditionStatus, ConditionType, set_condition};
use crate::domain::external::ExternalIds;
use crate::domain::id::WorkspaceId;
use crate::domain::marker::{MarkerKind, marker};
use crate::domain::operation::OperationStatus;
use crate::domain::phase::Phase;
use crate::queue::{Job, lease};
use crate::secrets::SecretStore;
use crate::store::attempts::{self, Unresolved};
use crate::store::operations::{self, Operation};
use crate::store::workspaces::{self, Workspace};
use crate::store::{StoreError, Teams, tokens};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// Something else that a checkpoint writes.
#[derive(Debug)]
pub enum Effect {
    /// An attempt's outcome is known.
    Closed(Uuid, attempts::Outcome),
    /// Databricks is building the workspace: it is to be watched from now on.
    Watched,
    /// Databricks' own status of the workspace, as a call of the step has told it.
    Seen {
        /// Workspace status.
        status: String,
        /// The vendor's sentence.
        message: String,
    },
    /// A PAT lies in the store.
    TokenDelivered(TokenDelivered),
    /// All PATs of the workspace are useless.
    TokensRevoked,
}

/// The reference to a delivered PAT.
#[derive(Debug)]
pub struct TokenDelivered {
    /// Whose: `service_principal:<application id>` or `provisioner`.
    pub principal: String,
    /// Counts from 1.
    pub generation: u32,
    /// Vendor's token id.
    pub external_id: String,
    /// Kind of the store.
    pub store_kind: &'static str,
    /// The store's version.
    pub version: String,
    /// When the vendor ends it.
    pub expires_at: Option<DateTime<Utc>>,
}

impl TokenDelivered {
    pub(super) fn row<'a>(&'a self, workspace: &'a Workspace) -> tokens::New<'a> {
        tokens::New {
            workspace: workspace.id,
            team: &workspace.team,
            principal: &self.principal,
            generation: i32::try_from(self.generation).unwrap_or(i32::MAX),
            external_id: &self.external_id,
            store: &workspace.spec.secret.store,
            store_kind: self.store_kind,
            secret_path: &workspace.spec.secret.path,
            secret_version: &self.version,
            expires_at: self.expires_at,
        }
    }
}

/// Lent to a step for one run.
pub struct StepContext<'a> {
    /// The workspace as it was when the step began. What the step changes stands in the fields below.
    pub workspace: &'a Workspace,
    /// The operation.
    pub operation: &'a Operation,
    /// External ids; saved at the checkpoint.
    pub external: ExternalIds,
    /// Conditions; saved at the checkpoint.
    pub conditions: Vec<Condition>,
    /// Sentences about what is not as asked; saved at the checkpoint.
    pub warnings: Vec<String>,
    /// The account.
    pub provider: Arc<dyn Provider>,
    /// The secret store.
    pub store: Arc<dyn SecretStore>,
    /// Numbers.
    pub settings: &'a Settings,
    /// Set to the database's when the job was acquired.
    pub clock: &'a Clock,
    pub(super) memo: serde_json::Value,
    pub(super) effects: Vec<Effect>,
    pub(super) db: &'a PgPool,
    pub(super) job: &'a Job,
}

impl StepContext<'_> {
    /// The memo of this step, or its default if it has none (or one of another version).
    pub fn memo<T: DeserializeOwned + Default>(&self) -> T {
        serde_json::from_value(self.memo.clone()).unwrap_or_default()
    }

    /// Saves a memo with the checkpoint. It is gone when the step is done.
    pub fn set_memo<T: Serialize>(&mut self, memo: &T) {
        self.memo = serde_json::to_value(memo).unwrap_or_default();
    }

    /// Sets a condition of the workspace.
    pub fn set_condition(
        &mut self,
        condition: ConditionType,
        status: ConditionStatus,
        reason: &str,
        message: &str,
    ) {
        set_condition(
            &mut self.conditions,
            condition,
            status,
            reason,
            message,
            self.clock.now(),
        );
    }

    /// The marker of one of this workspace's things.
    pub fn marker(&self, kind: MarkerKind, generation: u32) -> String {
        marker(&self.settings.instance, self.workspace.id, kind, generation)
    }

    /// Has the checkpoint write something more.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Whether this is the id of a workspace of ours that is deleted.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn is_deleted(&self, workspace: &str) -> Result<bool, Halt> {
        let Ok(id) = workspace.parse::<WorkspaceId>() else {
            return Ok(false);
        };
        let mut connection = self.db.acquire().await?;
        let row = workspaces::get(&mut connection, id, &Teams::All).await?;
        Ok(row.is_some_and(|row| row.phase == Phase::Deleted))
    }

    /// The unresolved attempt of a call for this workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unresolved(&self, call: Call) -> Result<Option<Unresolved>, Halt> {
        let mut connection = self.db.acquire().await?;
        Ok(attempts::unresolved(&mut connection, self.workspace.id, call.as_str()).await?)
    }

    /// Whether this call may ever have had its effect for this workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn may_have_made(&self, call: Call) -> Result<bool, Halt> {
        let mut connection = self.db.acquire().await?;
        Ok(attempts::effective(&mut connection, self.workspace.id, call.as_str()).await?)
    }

    /// The permit for a call that must not be repeated: a committed row that says it may be on its way. To be asked
    /// for directly before the call.
    ///
    /// # Errors
    /// [`Halt::Fenced`] if the lease is lost, [`Halt::Cancelled`] if the operation was asked to stop.
    pub async fn permit(&self, call: Call, marker: &str, timeout: Duration) -> Result<Uuid, Halt> {
        let mut transaction = self.db.begin().await?;
        if !lease::hold(&mut transaction, self.job).await? {
            return Err(Halt::Fenced);
        }
        let operation = operations::get(&mut transaction, self.operation.id, &Teams::All).await?;
        if operation.is_none_or(|o| o.status == OperationStatus::Cancelling) {
            return Err(Halt::Cancelled);
        }
        let id = attempts::insert(
            &mut transaction,
            &attempts::New {
                workspace: self.workspace.id,
                operation: self.operation.id,
                call: call.as_str(),
                marker,
                epoch: self.job.epoch,
                timeout,
            },
        )
        .await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// Whether the lease still holds: asked before a write outside that is not fenced by itself.
    ///
    /// # Errors
    /// [`Halt::Fenced`] if not.
    pub async fn still_ours(&self) -> Result<(), Halt> {
        self.still_ours_by(Instant::now() + self.settings.record_within)
            .await
    }

    /// The same for a write that must not come later: no longer than until then is the database waited for.
    ///
    /// # Errors
    /// [`Halt::Fenced`] if not.
    pub async fn still_ours_by(&self, last: Instant) -> Result<(), Halt> {
        let mut patience = Patience::until(last);
        loop {
            match self.holds().await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(Halt::Fenced),
                Err(error) if patience.again(&error).await => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn holds(&self) -> Result<bool, StoreError> {
        let mut transaction = self.db.begin().await?;
        Ok(lease::hold(&mut transaction, self.job).await?)
    }
}
