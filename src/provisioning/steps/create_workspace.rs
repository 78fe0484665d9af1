//! `create_workspace`: asks Databricks for the workspace. The one call that costs most if it is made twice.

use super::{nothing_to_undo, upstream};
use crate::cloud::{Failure, NewWorkspace, Provider, UpstreamWorkspace};
use crate::domain::condition::{ConditionStatus, ConditionType};
use crate::domain::external::{ExternalIds, ExternalObject, UpstreamId};
use crate::domain::marker::{MarkerKind, WORKSPACE_TAG};
use crate::domain::problem::{Code, Explanation};
use crate::domain::spec::Spec;
use crate::provisioning::context::{Effect, StepContext};
use crate::provisioning::once::{Made, find_unrecorded, once};
use crate::provisioning::step::{Call, Halt, Outcome, Step};
use crate::store::attempts::Outcome as Closed;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Asks for the workspace, marked by a tag and by its upstream name.
pub struct CreateWorkspace;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct UndoMemo {
    /// The removal was asked for and accepted.
    asked: bool,
}

#[async_trait]
impl Step for CreateWorkspace {
    fn name(&self) -> &'static str {
        "create_workspace"
    }

    fn calls(&self) -> &'static [Call] {
        &[
            Call::FindWorkspaces,
            Call::GetWorkspace,
            Call::CreateWorkspace,
            Call::DeleteWorkspace,
            Call::Leftovers,
        ]
    }

    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        if let Some(workspace) = &context.external.workspace {
            let id = workspace.id.clone();
            return keep_or_replace(context, id).await;
        }
        let replaced = context.external.replaced_workspaces.clone();
        let parts = parts(&context.workspace.spec, &context.external)?;
        let marker = context.marker(MarkerKind::Workspace, 1);
        let name = upstream(context);
        let spec = context.workspace.spec.clone();
        let mut tags = spec.tags.clone();
        tags.insert(WORKSPACE_TAG.to_owned(), marker.clone());
        let (looking, sending) = (Arc::clone(&context.provider), Arc::clone(&context.provider));
        let look = async || {
            let Some(found) = find(&*looking, &marker, &name, &spec, &replaced).await? else {
                return Ok(None);
            };
            let same = found.region == spec.region
                && [
                    (&found.credentials_id, &parts.credentials),
                    (
                        &found.storage_configuration_id,
                        &parts.storage_configuration,
                    ),
                    (&found.network_id, &parts.network),
                ]
                .into_iter()
                .all(|(found, ours)| found.is_none() || found == ours);
            if same {
                return Ok(Some(found));
            }
            let detail = format!(
                "workspace {} has our name but not our configuration",
                found.at.id
            );
            Err(Halt::permanent(Explanation::new(
                Code::NameConflict,
                detail,
            )))
        };
        let send = async || {
            let new = NewWorkspace {
                name: &name,
                spec: &spec,
                credentials_id: parts.credentials.as_deref(),
                storage_configuration_id: parts.storage_configuration.as_deref(),
                network_id: parts.network.as_deref(),
                tags: &tags,
            };
            sending.create_workspace(new).await
        };
        match once(context, Call::CreateWorkspace, &marker, look, send).await? {
            Made::NotYet(outcome) => Ok(outcome),
            Made::Here(made) => {
                let message = format!("Databricks accepted workspace {}", made.at.id.short());
                context.external.workspace = Some(made.at);
                context.set_condition(
                    ConditionType::WorkspaceRunning,
                    ConditionStatus::False,
                    "Building",
                    &made.status_message,
                );
                context.effect(Effect::Seen {
                    status: made.status,
                    message: made.status_message,
                });
                context.effect(Effect::Watched);
                Ok(Outcome::Done(message))
            }
        }
    }

    async fn undo(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        let memo: UndoMemo = context.memo();
        let id = match &context.external.workspace {
            Some(workspace) => workspace.id.clone(),
            None => {
                let marker = context.marker(MarkerKind::Workspace, 1);
                let name = upstream(context);
                let spec = context.workspace.spec.clone();
                let provider = Arc::clone(&context.provider);
                let replaced = context.external.replaced_workspaces.clone();
                let look = async || find(&*provider, &marker, &name, &spec, &replaced).await;
                match find_unrecorded(context, Call::CreateWorkspace, look).await? {
                    Made::NotYet(outcome) => return Ok(outcome),
                    Made::Here(None) => return nothing_to_undo(),
                    Made::Here(Some(found)) => {
                        let id = found.at.id.clone();
                        context.external.workspace = Some(found.at);
                        return Ok(Outcome::Again(format!(
                            "found workspace {id}, whose creation was never answered"
                        )));
                    }
                }
            }
        };
        if !memo.asked {
            let whole = whole(context);
            context.provider.delete_workspace(&id, whole).await?;
            context.set_memo(&UndoMemo { asked: true });
            context.set_condition(
                ConditionType::WorkspaceRunning,
                ConditionStatus::False,
                "Removed",
                "",
            );
            return Ok(Outcome::Again(format!(
                "Databricks is removing workspace {id}"
            )));
        }
        // Its parts can only be removed once the vendor has forgotten it.
        if let Some(there) = context.provider.get_workspace(&id).await? {
            // A removal that was accepted may fail.
            let going = is_going(&there.status);
            context.set_memo(&UndoMemo { asked: going });
            let message = match going {
                true => format!("Databricks is removing workspace {}", id.short()),
                false => format!(
                    "Databricks has not removed workspace {}; asking again",
                    id.short()
                ),
            };
            return Ok(Outcome::wait(context.settings.look_gap, message));
        }
        let name = upstream(context);
        let spec = &context.workspace.spec;
        let left = match context.provider.leftovers(&name, spec).await {
            Err(error) if error.failure == Failure::Refused => vec![format!(
                "what is left could not be read: {}",
                error.explanation.detail
            )],
            left => left?,
        };
        let message = match left.as_slice() {
            [] => format!("workspace {} removed", id.short()),
            left => format!("workspace {} removed; {}", id.short(), left.join("; ")),
        };
        context.warnings.extend(left);
        if let Some(attempt) = context.unresolved(Call::UpdateWorkspace).await? {
            // What it was to change is gone.
            context.effect(Effect::Closed(attempt.id, Closed::Absent));
        }
        context.external.workspace = None;
        Ok(Outcome::Done(message))
    }
}

/// Whether what the cloud keeps of a workspace by default goes with it: only where the template says so, for somebody may
/// have worked in one that has failed.
fn whole(context: &StepContext<'_>) -> bool {
    let azure = context.workspace.spec.azure.as_ref();
    azure.is_some_and(|azure| azure.force_deletion)
}

/// Whether Databricks is removing it.
fn is_going(status: &str) -> bool {
    matches!(status, "CANCELLING" | "CANCELLED")
}

/// What is done about a workspace that is there already when the step begins: it is kept, unless Databricks has given
/// it up. Then it is removed, and only when it is gone another one is asked for: there are never two.
async fn keep_or_replace(context: &mut StepContext<'_>, id: UpstreamId) -> Result<Outcome, Halt> {
    let given_up = |status: &str| status == "FAILED" || is_going(status);
    let kept = Outcome::Done(format!("Databricks accepted workspace {}", id.short()));
    let known = context.workspace.workspace_status.as_deref();
    if !known.is_some_and(given_up) {
        return Ok(kept);
    }
    // What we know may be old: somebody may have mended it there.
    let Some(now) = context.provider.get_workspace(&id).await? else {
        let message =
            format!("workspace {id}, which Databricks had given up, is gone; asking for another");
        context.external.workspace = None;
        context.external.replaced_workspaces.push(id);
        return Ok(Outcome::Again(message));
    };
    if !given_up(&now.status) {
        context.effect(Effect::Seen {
            status: now.status,
            message: now.status_message,
        });
        context.effect(Effect::Watched);
        return Ok(kept);
    }
    if now.status == "FAILED" {
        context.still_ours().await?;
        let whole = whole(context);
        context.provider.delete_workspace(&id, whole).await?;
    }
    context.set_condition(
        ConditionType::WorkspaceRunning,
        ConditionStatus::False,
        "Replacing",
        "",
    );
    Ok(Outcome::wait(
        context.settings.look_gap,
        format!("Databricks is removing workspace {id}, which it could not build"),
    ))
}

/// The configuration ids that earlier steps have put there, as far as the spec has such objects.
struct Parts {
    credentials: Option<String>,
    storage_configuration: Option<String>,
    network: Option<String>,
}

fn parts(spec: &Spec, external: &ExternalIds) -> Result<Parts, Halt> {
    let part = |wanted: bool, there: &Option<ExternalObject>| match there {
        None if wanted => Err(Halt::permanent(Explanation::new(
            Code::Internal,
            "the plan reached create_workspace before what the workspace is made of",
        ))),
        there => Ok(there.as_ref().map(|object| object.id.clone())),
    };
    Ok(Parts {
        credentials: part(spec.credentials.is_some(), &external.credentials)?,
        storage_configuration: part(spec.storage.is_some(), &external.storage_configuration)?,
        network: part(spec.network.is_some(), &external.network)?,
    })
}

/// The workspace that carries our marker, or, since tags may appear late, our upstream name. Living ones first.
async fn find(
    provider: &dyn Provider,
    marker: &str,
    name: &str,
    spec: &Spec,
    replaced: &[UpstreamId],
) -> Result<Option<UpstreamWorkspace>, Halt> {
    let unique = spec.cloud.traits().unique_names;
    let found = provider.find_workspaces(name, spec).await?;
    let tag = |w: &UpstreamWorkspace| w.tags.get(WORKSPACE_TAG).cloned();
    if let Some(other) = found
        .iter()
        .find(|w| unique && w.name == name && tag(w).as_deref() != Some(marker))
    {
        let detail = format!("workspace {} has our name and not our marker", other.at.id);
        return Err(Halt::permanent(Explanation::new(
            Code::NameConflict,
            detail,
        )));
    }
    let mut ours: Vec<UpstreamWorkspace> = found
        .into_iter()
        .filter(|w| match tag(w) {
            Some(tag) => tag == marker,
            None => w.name == name,
        })
        .filter(|w| !is_going(&w.status) && !replaced.contains(&w.at.id))
        .collect();
    ours.sort_by(|a, b| (a.created_at_ms, &a.at.id).cmp(&(b.created_at_ms, &b.at.id)));
    Ok(ours.into_iter().next())
}
