//! How a workspace that is there shall be: what lives only here is changed at once, its tags at the vendor by an operation;
//! what else the vendor holds must be as it was asked for.

use super::tags::{Tags, retag};
use super::{Asker, RequestError, go_on_with, reread};
use crate::domain::id::WorkspaceId;
use crate::domain::local::{Change, Circumstances, Local};
use crate::domain::operation::OperationStatus;
use crate::domain::phase::Phase;
use crate::domain::precondition::Precondition;
use crate::domain::problem::{Code, Explanation};
use crate::domain::wish;
use crate::provisioning::expire;
use crate::store::operations::Operation;
use crate::store::workspaces::{self, Workspace};
use crate::store::{StoreError, Teams, audit};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sqlx::{PgConnection, PgPool};

/// A workspace that is there, what its caller demands of it, and when.
#[derive(Debug)]
pub struct Existing<'a> {
    /// Which.
    pub id: WorkspaceId,
    /// What the caller demands of its version.
    pub precondition: &'a Precondition,
    /// Whether the caller must demand something.
    pub require_precondition: bool,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What became of a request about a workspace that is there.
#[derive(Debug)]
pub enum Changed {
    /// It is as it shall be, as far as it can be.
    Done(Box<Workspace>),
    /// This operation will get it there.
    Working(Box<Operation>),
}

/// Changes what lives only here, and has an operation change its tags. Nothing is written if nothing differs.
///
/// # Errors
/// [`RequestError`].
pub async fn change(
    db: &PgPool,
    asker: &Asker<'_>,
    existing: &Existing<'_>,
    change: &Change,
    tags: Option<&Tags<'_>>,
) -> Result<Changed, RequestError> {
    let mut transaction = db.begin().await?;
    let workspace = locked(&mut transaction, existing).await?;
    let workspace = apply(&mut transaction, asker, workspace, change, existing.now).await?;
    let update = match tags {
        Some(tags) => retag(&mut transaction, asker, &workspace, tags).await?,
        None => None,
    };
    transaction.commit().await?;
    Ok(match update {
        Some(update) => Changed::Working(Box::new(update)),
        None => Changed::Done(Box::new(workspace)),
    })
}

/// Makes a workspace that is there as it shall be: what lives only here is changed, its tags by an operation, a create
/// under way is pointed to, one that failed is retried.
///
/// # Errors
/// [`RequestError`].
pub async fn put(
    db: &PgPool,
    asker: &Asker<'_>,
    existing: &Existing<'_>,
    wish: &Value,
    change: &Change,
    tags: Option<&Tags<'_>>,
) -> Result<Changed, RequestError> {
    let mut transaction = db.begin().await?;
    let workspace = locked(&mut transaction, existing).await?;
    let mut differences =
        wish::differences(workspace.wish.as_ref(), wish, &workspace.spec.template);
    // What the tags of a failed create are to be can only be said by another one.
    if tags.is_none() || workspace.phase != Phase::Failed {
        differences.retain(|pointer| !wish::is_tag(pointer));
    }
    if !differences.is_empty() {
        return Err(RequestError::Immutable(differences));
    }
    let ttl_seconds = change
        .ttl_seconds
        .filter(|ttl| *ttl != workspace.local.ttl_seconds);
    let change = Change {
        ttl_seconds,
        ..change.clone()
    };
    let workspace = apply(&mut transaction, asker, workspace, &change, existing.now).await?;
    if let Some(tags) = tags
        && let Some(update) = retag(&mut transaction, asker, &workspace, tags).await?
    {
        transaction.commit().await?;
        return Ok(Changed::Working(Box::new(update)));
    }
    let put = match workspace.active_operation {
        None if workspace.phase == Phase::Failed => {
            let why = workspace.problem.unwrap_or_else(|| {
                Explanation::new(Code::WorkspaceFailed, "Nothing is done about it.")
            });
            return Err(RequestError::Lost(Box::new(why)));
        }
        None => Changed::Done(Box::new(workspace)),
        Some(active) => {
            let active = reread(&mut transaction, active).await?;
            let stands = active.status == OperationStatus::NeedsAttention;
            Changed::Working(Box::new(if workspace.phase == Phase::Failed || stands {
                go_on_with(&mut transaction, asker, &workspace).await?
            } else {
                active
            }))
        }
    };
    transaction.commit().await?;
    Ok(put)
}

/// The workspace, locked, if the caller's demands hold and it is not on its way out.
async fn locked(db: &mut PgConnection, existing: &Existing<'_>) -> Result<Workspace, RequestError> {
    let workspace = workspaces::lock(db, existing.id)
        .await?
        .filter(|workspace| workspace.phase != Phase::Deleted)
        .ok_or(RequestError::Gone)?;
    if existing.require_precondition && existing.precondition.is_empty() {
        return Err(RequestError::PreconditionRequired);
    }
    if !existing.precondition.holds(Some(workspace.version)) {
        return Err(RequestError::Mismatch(workspace.version));
    }
    if workspace.phase == Phase::Deleting {
        let removal = workspace.active_operation;
        return Err(RequestError::InProgress(
            removal.unwrap_or(workspace.last_operation),
        ));
    }
    Ok(workspace)
}

async fn apply(
    db: &mut PgConnection,
    asker: &Asker<'_>,
    workspace: Workspace,
    change: &Change,
    now: DateTime<Utc>,
) -> Result<Workspace, RequestError> {
    let at = Circumstances {
        now,
        ready: workspace.phase.is_usable(),
        max_ttl_seconds: workspace.spec.max_ttl_seconds,
    };
    let new = workspace
        .local
        .changed(change, at)
        .map_err(RequestError::Refused)?;
    if new == workspace.local {
        return Ok(workspace);
    }
    workspaces::write_local(db, workspace.id, &new).await?;
    let detail = json!({"name": workspace.name, "changed": told(&workspace.local, &new)});
    let last = workspace.last_operation;
    let entry = asker.entry(&workspace, last, "workspace.changed", detail);
    audit::append(db, &entry).await?;
    let workspace = workspaces::get(db, workspace.id, &Teams::All)
        .await?
        .ok_or_else(|| StoreError::from(sqlx::Error::RowNotFound))?;
    expire::follow(db, &workspace).await?;
    Ok(workspace)
}

/// What the audit says: each member that differs, before and after.
fn told(old: &Local, new: &Local) -> Map<String, Value> {
    [
        ("owner", json!(old.owner), json!(new.owner)),
        ("labels", json!(old.labels), json!(new.labels)),
        (
            "deletion_protection",
            json!(old.deletion_protection),
            json!(new.deletion_protection),
        ),
        (
            "ttl_seconds",
            json!(old.ttl_seconds),
            json!(new.ttl_seconds),
        ),
        ("expires_at", json!(old.expires_at), json!(new.expires_at)),
    ]
    .into_iter()
    .filter(|(_, old, new)| old != new)
    .map(|(name, old, new)| (name.to_owned(), json!({"from": old, "to": new})))
    .collect()
}
