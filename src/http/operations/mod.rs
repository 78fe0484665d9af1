//! Operations: what a caller polls after a 202.
//!
//! [`view`] is the answer, [`progress`] how far it is, [`attention`] what a person has before them when it stands.
//! [`get`] is the (long) poll, [`list`] the list, [`cancel`] and [`retry`] stop it and go on with it; [`changes`] wakes
//! the long polls of this process.

pub mod attention;
pub mod cancel;
pub mod changes;
pub mod get;
pub mod list;
pub mod progress;
pub mod retry;
pub mod view;

pub use changes::Changes;
pub use view::Operation;

use super::Http;
use super::extract::Caller;
use super::problem::Problem;
use crate::domain::id::OperationId;
use crate::store::{operations, workspaces};

/// Whether the caller may do what the route does with an operation: it is the workspace's owner that counts.
///
/// # Errors
/// `not_found` for an operation that does not exist for the caller, `forbidden`.
async fn check(http: &Http, caller: &Caller, id: OperationId) -> Result<(), Problem> {
    let mut db = http.db.acquire().await?;
    let teams = caller.teams();
    let hidden = || Problem::not_found("operation");
    let found = operations::get(&mut db, id, &teams).await?;
    let workspace = found.ok_or_else(hidden)?.workspace_id;
    let found = workspaces::get(&mut db, workspace, &teams).await?;
    let workspace = found.ok_or_else(hidden)?;
    let owner = workspace.local.owner.as_str();
    caller.may(Some(&workspace.team), Some(owner), hidden())
}
