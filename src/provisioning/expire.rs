//! The end of a workspace's life. One job per workspace that has one: due a grace after `expires_at`, written where
//! that is written, so a restart loses nothing. A protected workspace has no such job.

use super::request::{Asker, delete_now};
use super::{EXPIRY_JOB, Provisioning};
use crate::domain::id::WorkspaceId;
use crate::domain::phase::Phase;
use crate::queue::lease::{self, Release};
use crate::queue::worker::{Failed, Handler, Left};
use crate::queue::{Job, enqueue};
use crate::store::StoreError;
use crate::store::workspaces::{self, Workspace};
use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use sqlx::PgConnection;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Whom operations of this room are requested by.
const SYSTEM: &str = "system:expiry";

/// When a workspace is to be deleted, if ever.
fn due(workspace: &Workspace) -> Option<DateTime<Utc>> {
    let grace = Duration::seconds(workspace.spec.expiry_grace_seconds.into());
    let over = matches!(workspace.phase, Phase::Deleting | Phase::Deleted);
    workspace
        .local
        .expires_at
        .filter(|_| !over && !workspace.local.deletion_protection)
        .map(|end| end + grace)
}

/// Moves the job to where the row says, in the transaction that changed the row. Life begins when a workspace is
/// ready: before that there is no job.
///
/// # Errors
/// Whatever the database says.
pub(super) async fn follow(db: &mut PgConnection, workspace: &Workspace) -> Result<(), StoreError> {
    let key = workspace.id.to_string();
    match due(workspace).filter(|_| workspace.phase.is_usable()) {
        Some(due) => enqueue::schedule(db, EXPIRY_JOB, &key, due).await?,
        None => {
            // One that is held finds in the row that there is nothing to do.
            enqueue::remove_unheld(db, EXPIRY_JOB, &key).await?;
        }
    }
    Ok(())
}

/// Deletes what has expired.
pub struct Expiry(pub Arc<Provisioning>);

#[async_trait]
impl Handler for Expiry {
    fn kind(&self) -> &'static str {
        EXPIRY_JOB
    }

    async fn run(&self, job: &Job, _shutdown: &CancellationToken) -> Result<Left, Failed> {
        let id: WorkspaceId = job.key.parse()?;
        let clock = self.0.clock.set(job.acquired_at);
        let mut transaction = self.0.db.begin().await?;
        let workspace = workspaces::lock(&mut transaction, id).await?;
        if !lease::hold(&mut transaction, job).await? {
            return Ok(Left::Fenced);
        }
        let now = clock.now();
        let due = workspace.as_ref().and_then(due);
        let (how, again) = match (workspace, due) {
            (Some(_), Some(due)) if due > now => {
                let left = (due - now).to_std()?;
                (Release::Snooze(left), Some(left))
            }
            (Some(workspace), Some(_)) => {
                let request_id = format!("expiry-{}", job.id.simple());
                let asker = Asker {
                    principal: SYSTEM,
                    request_id: &request_id,
                    traceparent: None,
                };
                let operation = delete_now(&mut transaction, &asker, &workspace).await?;
                tracing::info!(workspace.id = %id, operation.id = %operation.id, "workspace.expired");
                (Release::Finish, None)
            }
            _ => (Release::Finish, None),
        };
        lease::release(&mut transaction, job, how).await?;
        transaction.commit().await?;
        Ok(Left::Released(again))
    }
}
