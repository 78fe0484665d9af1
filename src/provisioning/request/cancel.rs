//! A create that is no longer wanted: stopped as soon as it is safe, and what it made is removed.

use super::{Asker, RequestError, delete_now, lock, reread};
use crate::domain::id::OperationId;
use crate::domain::operation::{OperationKind, OperationStatus};
use crate::store::operations::Operation;
use sqlx::PgPool;

/// Stops a create. The call that is on its way is awaited or looked for, then everything it made is removed, last
/// first, by a delete operation that is accepted in the same transaction. Idempotent: a second request finds it
/// stopping. Protection from deletion does not hold it up: it protects what somebody may be using, and a workspace
/// that was never ready is used by nobody.
///
/// # Errors
/// [`RequestError::NotCancellable`] when there is nothing to stop; [`RequestError::Gone`] for an unknown operation.
pub async fn cancel(
    db: &PgPool,
    asker: &Asker<'_>,
    id: OperationId,
) -> Result<Operation, RequestError> {
    let mut transaction = db.begin().await?;
    let (workspace, operation) = lock(&mut transaction, id).await?;
    if operation.status == OperationStatus::Cancelling {
        return Ok(operation);
    }
    if operation.status.is_done() {
        let why = format!("It has ended: {}.", operation.status.as_str());
        return Err(RequestError::NotCancellable(why));
    }
    let why = match operation.kind {
        OperationKind::Create => None,
        OperationKind::Update => Some(
            "It changes a workspace that is in use, and ends by itself: ask for what the workspace shall have instead.",
        ),
        OperationKind::Delete => {
            Some("It removes a workspace, and what is half removed cannot be given back.")
        }
    };
    if let Some(why) = why {
        return Err(RequestError::NotCancellable(why.to_owned()));
    }
    delete_now(&mut transaction, asker, &workspace).await?;
    let operation = reread(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(operation)
}
