//! From a checked request to rows: what was accepted commits together, or nothing was accepted.
//!
//! `create` makes a workspace, `delete` and `forget` end one, `change` and `put` say how one that is there
//! shall be, `tags` has an operation change its tags, `retry` goes on with what failed, and `cancel` stops a create. Who writes about a workspace that is there locks its row
//! first, so requests about one workspace follow each other.

mod cancel;
mod change;
mod delete;
mod retry;
mod tags;

pub use cancel::cancel;
pub use change::{Changed, Existing, change, put};
pub use delete::{Deletion, delete, forget};
pub use retry::retry;
pub use tags::Tags;

use retry::go_on_with;

pub(super) use delete::{delete_now, enqueue_delete};

use super::admission::Admission;
use super::{OPERATION_JOB, plan};
use crate::domain::id::{OperationId, WorkspaceId};
use crate::domain::local::{Local, Refused};
use crate::domain::operation::{OperationKind, StepRecord};
use crate::domain::problem::Explanation;
use crate::domain::template::{Choices, Template};
use crate::queue::enqueue;
use crate::store::operations::{self, Operation};
use crate::store::workspaces::{self, Workspace};
use crate::store::{StoreError, Teams, audit, idempotency};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::time::Duration;

/// Who asks, and in which HTTP exchange.
#[derive(Debug, Clone)]
pub struct Asker<'a> {
    /// Principal, as `oidc:<issuer>:<subject>`, or `system:<why>`.
    pub principal: &'a str,
    /// Request id.
    pub request_id: &'a str,
    /// W3C trace context of the exchange, if it came with one.
    pub traceparent: Option<&'a str>,
}

impl Asker<'_> {
    /// What the audit says of something that was asked for on a workspace that is there.
    pub(super) fn entry<'a>(
        &'a self,
        workspace: &'a Workspace,
        operation: OperationId,
        action: &'a str,
        detail: serde_json::Value,
    ) -> audit::Entry<'a> {
        audit::Entry {
            actor: self.principal,
            action,
            workspace: workspace.id,
            operation,
            team: &workspace.team,
            epoch: None,
            request_id: self.request_id,
            detail,
        }
    }
}

/// A checked request for a workspace.
#[derive(Debug)]
pub struct NewWorkspace<'a> {
    /// Name, well-formed.
    pub name: &'a str,
    /// Team the caller may request for.
    pub team: &'a str,
    /// The template.
    pub template: &'a Template,
    /// What the caller chose.
    pub choices: Choices,
    /// What the caller said, compared with what is said later ([`crate::domain::wish`]).
    pub wish: serde_json::Value,
    /// The principal it belongs to.
    pub owner: &'a str,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Overrides the template's default.
    pub deletion_protection: Option<bool>,
    /// Overrides the template's default.
    pub ttl_seconds: Option<u32>,
    /// The idempotency key, if one was sent.
    pub key: Option<idempotency::Key<'a>>,
}

/// An accepted request.
#[derive(Debug)]
pub struct Accepted {
    /// The operation, as it is now.
    pub operation: Operation,
    /// Whether it had been accepted before, under the same idempotency key.
    pub replayed: bool,
}

/// Why a request was not accepted. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The team has a living workspace of that name.
    #[error("name taken")]
    NameTaken(WorkspaceId),
    /// The idempotency key was used for another request.
    #[error("idempotency key reused")]
    KeyReused,
    /// So much waits already that this one would wait for too long.
    #[error("queue full")]
    QueueFull {
        /// Operations of the account that nobody has begun.
        queued: i64,
        /// For how long the oldest job has been due.
        oldest_seconds: f64,
    },
    /// The workspace is protected.
    #[error("protected from deletion")]
    Protected,
    /// This operation is in the way.
    #[error("operation in progress")]
    InProgress(OperationId),
    /// There is nothing to stop; a sentence says why.
    #[error("not cancellable")]
    NotCancellable(String),
    /// There is nothing to go on with; a sentence says why.
    #[error("not retryable")]
    NotRetryable(String),
    /// The workspace was deleted.
    #[error("gone")]
    Gone,
    /// The workspace has this version, and the precondition does not hold for it.
    #[error("version mismatch")]
    Mismatch(i64),
    /// The service is set to require a precondition, and there is none.
    #[error("precondition required")]
    PreconditionRequired,
    /// These members differ, by their pointers, and cannot be changed.
    #[error("immutable")]
    Immutable(Vec<String>),
    /// These members cannot be what was sent.
    #[error("refused")]
    Refused(Vec<Refused>),
    /// The workspace is no longer there or of use, for this reason, and no operation can change that.
    #[error("lost: {}", .0.detail)]
    Lost(Box<Explanation>),
    /// What the request was worked out from has changed since: read it again.
    #[error("stale")]
    Stale,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RequestError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Accepts a request for a workspace: one transaction with the idempotency key, workspace, operation, job and
/// audit row. A twin with the same key waits on the unique index and gets the same operation. Where too much waits already,
/// nothing is accepted.
///
/// # Errors
/// [`RequestError`].
pub async fn create(
    db: &PgPool,
    asker: &Asker<'_>,
    new: NewWorkspace<'_>,
    door: &Admission,
) -> Result<Accepted, RequestError> {
    let (workspace, operation) = (WorkspaceId::new(), OperationId::new());
    let spec = new
        .template
        .resolve(new.choices, new.team, new.name, &workspace.to_string());
    let plan: Vec<String> = plan::steps(spec.cloud, spec.compute_mode)
        .iter()
        .map(|step| step.name().to_owned())
        .collect();
    let steps: Vec<StepRecord> = plan.iter().map(|name| StepRecord::pending(name)).collect();

    let mut transaction = db.begin().await?;
    if let Some(key) = &new.key {
        match idempotency::reserve(&mut transaction, key, operation).await? {
            idempotency::Known::No => {}
            idempotency::Known::Other => return Err(RequestError::KeyReused),
            idempotency::Known::Same(earlier) => {
                let operation = reread(&mut transaction, earlier).await?;
                return Ok(Accepted {
                    operation,
                    replayed: true,
                });
            }
        }
    }
    // What was accepted before is let in whatever came since.
    door.admit(&mut transaction, &spec.account).await?;
    let ttl_seconds = new.ttl_seconds.or(new.template.ttl_seconds);
    let protected = new.deletion_protection.or(new.template.deletion_protection);
    let local = Local {
        owner: new.owner.to_owned(),
        labels: new.labels,
        // What never ends by itself shall not end by accident either.
        deletion_protection: protected.unwrap_or(ttl_seconds.is_none()),
        ttl_seconds,
        expires_at: None,
    };
    let row = workspaces::New {
        id: workspace,
        name: new.name,
        team: new.team,
        local: &local,
        spec: &spec,
        wish: &new.wish,
        operation,
    };
    match workspaces::insert(&mut transaction, &row).await {
        Ok(()) => {}
        Err(error) if error.constraint() == Some("workspaces_name_per_team") => {
            transaction.rollback().await?;
            return Err(taken_by(db, new.name, new.team, error).await);
        }
        Err(error) => return Err(error.into()),
    }
    operations::insert(
        &mut transaction,
        &operations::New {
            id: operation,
            workspace,
            team: new.team,
            kind: OperationKind::Create,
            plan: &plan,
            steps: &steps,
            requested_by: asker.principal,
            request_id: asker.request_id,
            traceparent: asker.traceparent,
            delay: Duration::ZERO,
            retry: None,
        },
    )
    .await?;
    enqueue::enqueue(
        &mut transaction,
        OPERATION_JOB,
        &operation.to_string(),
        Duration::ZERO,
    )
    .await?;
    audit::append(
        &mut transaction,
        &audit::Entry {
            actor: asker.principal,
            action: "operation.accepted",
            workspace,
            operation,
            team: new.team,
            epoch: None,
            request_id: asker.request_id,
            detail: serde_json::json!({"kind": "create", "name": new.name, "template": spec.template}),
        },
    )
    .await?;
    enqueue::notify(&mut transaction).await?;
    let operation = reread(&mut transaction, operation).await?;
    transaction.commit().await?;
    Ok(Accepted {
        operation,
        replayed: false,
    })
}

async fn taken_by(db: &PgPool, name: &str, team: &str, error: StoreError) -> RequestError {
    let found = async {
        let mut connection = db.acquire().await?;
        workspaces::find_by_name(&mut connection, name, &Teams::Only(vec![team.to_owned()])).await
    };
    match found.await {
        Ok(found) => found.first().map_or(RequestError::Store(error), |w| {
            RequestError::NameTaken(w.id)
        }),
        Err(error) => error.into(),
    }
}

async fn reread(db: &mut sqlx::PgConnection, id: OperationId) -> Result<Operation, StoreError> {
    operations::get(db, id, &Teams::All)
        .await?
        .ok_or_else(|| sqlx::Error::RowNotFound.into())
}

/// An operation and its workspace, whose row is locked: nothing of either changes until the transaction ends, since
/// whoever writes about a workspace locks its row first.
async fn lock(
    db: &mut sqlx::PgConnection,
    id: OperationId,
) -> Result<(Workspace, Operation), RequestError> {
    let found = operations::get(db, id, &Teams::All).await?;
    let workspace = found.ok_or(RequestError::Gone)?.workspace_id;
    let workspace = workspaces::lock(db, workspace)
        .await?
        .ok_or(RequestError::Gone)?;
    Ok((workspace, reread(db, id).await?))
}
