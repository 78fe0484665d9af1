//! What belongs to no account: jobs that were lost, and what is not kept for ever.

use super::SYSTEM;
use crate::domain::id::{OperationId, WorkspaceId};
use crate::domain::operation::OperationStatus;
use crate::provisioning::step::Halt;
use crate::provisioning::{OPERATION_JOB, Provisioning};
use crate::queue::{Job, enqueue, lease};
use crate::store::{Teams, audit, operations, retention, workspaces};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Rows purged in one transaction.
const BATCH: i64 = 200;

/// Batches of one kind in one pass: what is left has its turn in the next.
const BATCHES: usize = 100;

pub(super) async fn sweep(
    provisioning: &Provisioning,
    job: &Job,
    shutdown: &CancellationToken,
) -> Result<(), Halt> {
    let house = House {
        provisioning,
        job,
        shutdown,
    };
    house.restore_jobs().await?;
    // Keys first: an operation stays while a key points to it.
    for what in [What::Keys, What::Tombstones, What::Operations] {
        house.purge(what).await?;
    }
    Ok(())
}

struct House<'a> {
    provisioning: &'a Provisioning,
    job: &'a Job,
    shutdown: &'a CancellationToken,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Keys,
    Tombstones,
    Operations,
}

impl House<'_> {
    async fn begin(&self) -> Result<Transaction<'static, Postgres>, Halt> {
        let mut transaction = self.provisioning.db.begin().await?;
        if lease::hold(&mut transaction, self.job).await? {
            Ok(transaction)
        } else {
            Err(Halt::Fenced)
        }
    }

    /// An operation that is not finished has a job, or it would wait for ever: so the removal of a failed workspace,
    /// which waits for the end of `keep_failed_seconds` in its job only.
    async fn restore_jobs(&self) -> Result<(), Halt> {
        let mut connection = self.provisioning.db.acquire().await?;
        let unfinished = operations::with_jobs(&mut connection).await?;
        let keys: Vec<String> = unfinished.iter().map(|(id, _)| id.to_string()).collect();
        // Read after the operations: one that has ended since has lost its job by right, and is looked at once more.
        let lost = enqueue::without_job(&mut connection, OPERATION_JOB, &keys).await?;
        drop(connection);
        for (operation, workspace) in unfinished {
            if lost.contains(&operation.to_string()) {
                self.restore_job(operation, workspace).await?;
            }
        }
        Ok(())
    }

    async fn restore_job(&self, id: OperationId, workspace: WorkspaceId) -> Result<(), Halt> {
        let mut transaction = self.provisioning.db.begin().await?;
        workspaces::lock(&mut transaction, workspace).await?;
        if !lease::hold(&mut transaction, self.job).await? {
            return Err(Halt::Fenced);
        }
        let key = id.to_string();
        let Some(operation) = operations::get(&mut transaction, id, &Teams::All).await? else {
            return Ok(());
        };
        let keys = [key.clone()];
        let lost = enqueue::without_job(&mut transaction, OPERATION_JOB, &keys).await?;
        let waits = operation.status == OperationStatus::NeedsAttention;
        if operation.status.is_done() || waits || lost.is_empty() {
            return Ok(());
        }
        let db = &mut transaction;
        match operation.not_before {
            Some(at) => enqueue::schedule(db, OPERATION_JOB, &key, at).await?,
            None => enqueue::enqueue(db, OPERATION_JOB, &key, Duration::ZERO).await?,
        }
        enqueue::notify(&mut transaction).await?;
        let note = audit::Note {
            actor: SYSTEM,
            action: "operation.job_restored",
            workspace,
            operation: Some(id),
            epoch: self.job.epoch,
            detail: json!({"kind": operation.kind, "status": operation.status}),
        };
        audit::note(&mut transaction, &note).await?;
        transaction.commit().await?;
        tracing::warn!(workspace.id = %workspace, operation.id = %id, "operation.job_restored");
        Ok(())
    }

    async fn purge(&self, what: What) -> Result<(), Halt> {
        let settings = &self.provisioning.settings.sweep;
        let mut purged = 0;
        for _ in 0..BATCHES {
            if self.shutdown.is_cancelled() {
                return Err(Halt::Cancelled);
            }
            let mut transaction = self.begin().await?;
            let db = &mut transaction;
            let batch = match what {
                What::Keys => retention::idempotency_keys(db, BATCH).await?,
                What::Tombstones => retention::tombstones(db, settings.keep_deleted, BATCH).await?,
                What::Operations => {
                    retention::operations(db, settings.keep_operations, BATCH).await?
                }
            };
            transaction.commit().await?;
            purged += batch;
            if batch == 0 {
                break;
            }
        }
        if purged > 0 {
            tracing::info!(?what, purged, "retention.purged");
        }
        Ok(())
    }
}
