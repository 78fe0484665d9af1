//! The steps, one file each: what it does and, next to it, how it is undone.
//!
//! Every step looks before it creates and can be run again at any point. None of them sleeps, knows a cloud's wire
//! or decides what comes next.

mod await_reachable;
mod await_running;
mod create_credentials;
mod create_network;
mod create_service_principal;
mod create_storage;
mod create_workspace;
mod deliver_token;
mod preflight;
mod update_workspace;

pub use await_reachable::AwaitReachable;
pub use await_running::AwaitRunning;
pub use create_credentials::CreateCredentials;
pub use create_network::CreateNetwork;
pub use create_service_principal::CreateServicePrincipal;
pub use create_storage::CreateStorage;
pub use create_workspace::CreateWorkspace;
pub use deliver_token::DeliverToken;
pub use preflight::Preflight;
pub use update_workspace::UpdateWorkspace;

use super::context::StepContext;
use super::step::{Halt, Outcome};
use crate::cloud::{ConfigurationObject, ObjectKind, TokenOwner};
use crate::domain::external::{ExternalIds, ExternalWorkspace};
use crate::domain::marker::upstream_name;
use crate::domain::problem::{Code, Explanation};
use crate::domain::spec::TokenFor;

/// The workspace at Databricks, which an earlier step has made.
fn made(external: &ExternalIds) -> Result<&ExternalWorkspace, Halt> {
    external.workspace.as_ref().ok_or_else(|| {
        Halt::permanent(Explanation::new(
            Code::Internal,
            "the plan reached a step that needs a workspace before one was made",
        ))
    })
}

/// The workspace's upstream name. Where names are ids, one that replaces another has a name of its own: the two are
/// never confused.
fn upstream(context: &StepContext<'_>) -> String {
    let name = upstream_name(&context.workspace.name, context.workspace.id);
    match context.external.replaced_workspaces.len() {
        replaced if replaced > 0 && context.workspace.spec.cloud.traits().unique_names => {
            format!("{name}-{}", replaced + 1)
        }
        _ => name,
    }
}

/// Adopts a configuration object of our name only if it points where we want; anything else is not ours.
fn ours(
    found: Option<ConfigurationObject>,
    kind: ObjectKind,
    content: &str,
) -> Result<Option<ConfigurationObject>, Halt> {
    match found {
        Some(object) if object.content != content => Err(Halt::permanent(Explanation::new(
            Code::NameConflict,
            format!(
                "{} {} has our name but points to {}",
                kind.as_str(),
                object.id,
                object.content
            ),
        ))),
        found => Ok(found),
    }
}

/// Whose PAT is meant.
pub(super) fn token_owner<'a>(
    principal: Option<&'a crate::cloud::ServicePrincipal>,
    token_for: TokenFor,
) -> Option<TokenOwner<'a>> {
    match token_for {
        TokenFor::Provisioner => Some(TokenOwner::Provisioner),
        TokenFor::ServicePrincipal => principal.map(TokenOwner::ServicePrincipal),
    }
}

/// The spec has no such object, so there is none to make.
#[expect(clippy::unnecessary_wraps, reason = "the shape of every run")]
fn needless(what: &str) -> Result<Outcome, Halt> {
    Ok(Outcome::Skipped(format!("this workspace has no {what}")))
}

/// A step that made nothing has nothing to undo.
#[expect(clippy::unnecessary_wraps, reason = "the shape of every undo")]
fn nothing_to_undo() -> Result<Outcome, Halt> {
    Ok(Outcome::Done("nothing to undo".into()))
}
