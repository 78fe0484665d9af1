//! `update_workspace`: gives the workspace at Databricks the tags that it shall have. The call sets a state, so it is sent
//! again as it is; but not while an earlier one may still arrive, which would go over what a later one has set. Tags that
//! somebody else has put there stay.

use super::{made, nothing_to_undo};
use crate::cloud::UpstreamWorkspace;
use crate::domain::external::UpstreamId;
use crate::domain::marker::{MarkerKind, WORKSPACE_TAG};
use crate::domain::problem::{Code, Explanation, Upstream};
use crate::domain::spec::Spec;
use crate::provisioning::context::{Effect, StepContext};
use crate::provisioning::once::{Limit, closed};
use crate::provisioning::step::{Call, Halt, Outcome, Step};
use crate::store::attempts::{Outcome as Closed, Unresolved};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Changes the workspace's tags.
pub struct UpdateWorkspace;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Memo {
    /// The change was accepted. Whether it can be seen says nothing: tags may show late.
    accepted: bool,
}

#[async_trait]
impl Step for UpdateWorkspace {
    fn name(&self) -> &'static str {
        "update_workspace"
    }

    fn calls(&self) -> &'static [Call] {
        &[
            Call::GetWorkspace,
            Call::UpdateWorkspace,
            Call::ExplainFailed,
        ]
    }

    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        let Memo { accepted } = context.memo();
        let id = made(&context.external)?.id.clone();
        let unresolved = context.unresolved(Call::UpdateWorkspace).await?;
        if let Some(wait) = unresolved.as_ref().and_then(may_arrive) {
            return Ok(Outcome::wait(
                wait,
                "an earlier change was never answered; waiting until it cannot arrive any more",
            ));
        }
        let Some(there) = context.provider.get_workspace(&id).await? else {
            let detail = format!("Databricks no longer knows workspace {id}.");
            return Err(Halt::permanent(Explanation::new(
                Code::DeletedOutside,
                detail,
            )));
        };
        context.effect(Effect::Seen {
            status: there.status.clone(),
            message: there.status_message.clone(),
        });
        match there.status.as_str() {
            "RUNNING" if accepted => Ok(Outcome::Done("its tags are as asked for".into())),
            "FAILED" if accepted => Err(failed(context, &there).await?),
            // A change may also mend what an earlier one has broken.
            "RUNNING" | "FAILED" if let Some(earlier) = unresolved => {
                context.effect(Effect::Closed(earlier.id, Closed::Absent));
                Ok(Outcome::Again(
                    "an earlier change was never answered; asking again".into(),
                ))
            }
            "RUNNING" | "FAILED" => send(context, &id, there.tags).await,
            "BANNED" => Err(given_up(Code::WorkspaceBanned, &there)),
            "CANCELLING" | "CANCELLED" => Err(given_up(Code::DeletedOutside, &there)),
            _ => Ok(Outcome::wait(
                context.settings.look_gap,
                format!("Databricks is changing it: {}", there.status_message),
            )),
        }
    }

    async fn undo(&self, _: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        nothing_to_undo()
    }
}

/// For how long an earlier call may still arrive.
fn may_arrive(earlier: &Unresolved) -> Option<Duration> {
    let left = -earlier.overdue_seconds;
    (left > 0.0).then(|| Duration::from_secs_f64(left + 0.05))
}

async fn send(
    context: &mut StepContext<'_>,
    id: &UpstreamId,
    there: BTreeMap<String, String>,
) -> Result<Outcome, Halt> {
    let marker = context.marker(MarkerKind::Workspace, 1);
    let tags = tags(&context.workspace.spec, &marker, there);
    let limit = Limit::from_now(context.settings.call_timeout);
    let permit = context
        .permit(Call::UpdateWorkspace, &marker, limit.long)
        .await?;
    let provider = Arc::clone(&context.provider);
    let progress_url = match limit.keep(provider.update_workspace(id, &tags)).await {
        Ok(progress_url) => progress_url,
        Err(error) => {
            context.effect(Effect::Closed(permit, closed(error.failure)));
            return Err(error.into());
        }
    };
    context.effect(Effect::Closed(permit, Closed::Applied));
    if let Some(workspace) = &mut context.external.workspace {
        workspace.progress_url = progress_url.or(workspace.progress_url.take());
    }
    context.set_memo(&Memo { accepted: true });
    Ok(Outcome::Again("Databricks accepted the tags".into()))
}

/// All tags that it shall have: its own, our marker, and what others have put there.
fn tags(spec: &Spec, marker: &str, there: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut tags = there;
    tags.retain(|name, _| !spec.removed_tags.contains(name));
    tags.extend(spec.tags.clone());
    tags.insert(WORKSPACE_TAG.to_owned(), marker.to_owned());
    tags
}

fn given_up(code: Code, there: &UpstreamWorkspace) -> Halt {
    let detail = format!(
        "Databricks set workspace {} to {}.",
        there.at.id.short(),
        there.status
    );
    let upstream = Upstream {
        service: "databricks_account".into(),
        status: None,
        error_code: Some(there.status.clone()),
        message: there.status_message.clone(),
        request_id: None,
    };
    Halt::permanent(Explanation::new(code, detail).upstream(Some(upstream)))
}

/// The change failed. Where the cloud says why, that is the problem.
async fn failed(context: &StepContext<'_>, there: &UpstreamWorkspace) -> Result<Halt, Halt> {
    let workspace = made(&context.external)?;
    let cause = context.provider.explain_failed(workspace).await?;
    Ok(match cause {
        Some(cause) => Halt::permanent(cause),
        None => given_up(Code::WorkspaceFailed, there),
    })
}
