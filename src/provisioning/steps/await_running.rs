//! `await_running`: until Databricks says RUNNING. Makes no call of its own while it waits: the observer lists the
//! account and wakes the job when the workspace's status changed. Then the workspace's network is asked for what
//! Databricks found in it, for it judges a network only when a workspace is attached; and the workspace for its address,
//! where the cloud tells it only now. One that failed for a reason that passes is not the end: the plan goes back to the
//! step that made it.

use super::{CreateWorkspace, made, nothing_to_undo};
use crate::cloud::{CloudError, Failure, NetworkReport};
use crate::domain::condition::{ConditionStatus, ConditionType};
use crate::domain::operation::WaitingFor;
use crate::domain::problem::{Code, Explanation, Upstream};
use crate::provisioning::context::{Effect, StepContext};
use crate::provisioning::step::{Call, Halt, Outcome, Step, Wait};
use crate::queue::backoff::full_jitter;
use async_trait::async_trait;
use std::time::Duration;

/// If no wake came, look at the row again after this, or when the time is over. The observer is what answers; this is the
/// net below it, and where thousands wait, what they cost.
const NET: Duration = Duration::from_secs(300);

/// But not sooner than this.
const SOON: Duration = Duration::from_secs(1);

/// How many workspaces are replaced without anybody asking for it: each takes minutes, and what fails three times fails
/// for a reason of its own.
const REPLACED: usize = 2;

/// The longest wait before one is replaced, in gaps between two looks.
const REPLACE_GAPS: u32 = 12;

/// Waits for the workspace to run.
pub struct AwaitRunning;

#[async_trait]
impl Step for AwaitRunning {
    fn name(&self) -> &'static str {
        "await_running"
    }

    fn calls(&self) -> &'static [Call] {
        &[Call::ReportNetwork, Call::GetWorkspace, Call::ExplainFailed]
    }

    /// What Databricks has given up does not begin to run by being watched.
    fn retried_from(&self) -> &'static str {
        CreateWorkspace.name()
    }

    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        let id = made(&context.external)?.id.clone();
        let status = context
            .workspace
            .workspace_status
            .clone()
            .unwrap_or_default();
        let message = context
            .workspace
            .workspace_status_message
            .clone()
            .unwrap_or_default();
        let code = match status.as_str() {
            "RUNNING" => {
                context.set_condition(
                    ConditionType::WorkspaceRunning,
                    ConditionStatus::True,
                    "Running",
                    &message,
                );
                return running(context).await;
            }
            "FAILED" => failure(&message),
            "BANNED" => Code::WorkspaceBanned,
            "CANCELLING" | "CANCELLED" => Code::WorkspaceCancelled,
            // NOT_PROVISIONED, PROVISIONING, and whatever the vendor invents: in progress until the deadline.
            _ => {
                // The status is the observer's to write: ours may be older than its own by now.
                context.effect(Effect::Watched);
                let sentence = if message.is_empty() {
                    status
                } else {
                    format!("{status}: {message}")
                };
                return Ok(Outcome::wait(net(context), sentence));
            }
        };
        context.set_condition(
            ConditionType::WorkspaceRunning,
            ConditionStatus::False,
            "Failed",
            &message,
        );
        let failed = status == "FAILED";
        let detail = format!("Databricks set workspace {} to {status}.", id.short());
        let upstream = Upstream {
            service: "databricks_account".into(),
            status: None,
            error_code: Some(status),
            message,
            request_id: None,
        };
        let explanation = Explanation::new(code, detail).upstream(Some(upstream));
        if failed {
            return failed_because(context, explanation).await;
        }
        Err(Halt::permanent(explanation))
    }

    async fn undo(&self, _: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        nothing_to_undo()
    }
}

fn net(context: &StepContext<'_>) -> Duration {
    let left = |at| at - context.clock.now();
    let left = context.operation.deadline_at.map(left);
    let left = left.map(|it| it.to_std().unwrap_or_default());
    left.map_or(NET, |it| it.clamp(SOON, NET))
}

/// It runs. What Databricks would have otherwise in its network is worth a warning; not to learn it stops nothing.
async fn running(context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
    let workspace = made(&context.external)?;
    if workspace.url.is_empty() {
        let found = context.provider.get_workspace(&workspace.id).await?;
        match found.map(|found| found.at).filter(|at| !at.url.is_empty()) {
            Some(at) => context.external.workspace = Some(at),
            None => {
                return Ok(Outcome::wait(
                    context.settings.look_gap,
                    "it runs, and its address is not told yet",
                ));
            }
        }
    }
    match report(context).await {
        Ok(report) => warn(context, report),
        Err(error) if matches!(error.failure, Failure::Throttled(_)) => return Err(error.into()),
        Err(error) => {
            let detail = error.explanation.detail;
            let sentence =
                format!("what Databricks says of the network could not be read: {detail}");
            context.warnings.push(sentence);
        }
    }
    Ok(Outcome::Done("RUNNING".into()))
}

/// It failed. Where the network or the cloud explains it, that is the workspace's problem.
async fn failed_because(
    context: &mut StepContext<'_>,
    explanation: Explanation,
) -> Result<Outcome, Halt> {
    let workspace = made(&context.external)?;
    let asked = async {
        let report = told(report(context).await)?;
        let cause = told(context.provider.explain_failed(workspace).await)?;
        Ok::<_, CloudError>((report, cause))
    };
    // It has failed for good; only why is worth another look, until the deadline.
    let Ok((report, cause)) = asked.await else {
        return Ok(Outcome::wait_because(
            context.settings.look_gap,
            WaitingFor::Databricks,
            explanation,
        ));
    };
    let problem = report.as_ref().and_then(|report| report.problem.clone());
    let problem = problem.or(cause);
    warn(context, report);
    let problem = match problem {
        None => explanation,
        Some(problem) => Explanation {
            detail: format!("{} {}", explanation.detail, problem.detail),
            upstream: problem.upstream.or(explanation.upstream),
            ..problem
        },
    };
    if !passes(problem.code) || context.external.replaced_workspaces.len() >= REPLACED {
        return Err(Halt::permanent(problem));
    }
    // Not at once: what got in each other's way would do so again.
    let gap = context.settings.look_gap;
    let delay = full_jitter(gap, REPLACE_GAPS * gap, u32::MAX);
    let wait = Wait::because(delay, WaitingFor::Databricks, problem);
    Ok(Outcome::Redo(wait))
}

/// Whether what could not be built may be built the next time, without anybody doing anything about it.
fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::AzureDeploymentFailed | Code::AzurePrincipalUnknown
    )
}

/// Who is not let look learns nothing.
fn told<T>(answer: Result<Option<T>, CloudError>) -> Result<Option<T>, CloudError> {
    match answer {
        Err(error) if matches!(error.failure, Failure::Refused) => Ok(None),
        answer => answer,
    }
}

async fn report(context: &StepContext<'_>) -> Result<Option<NetworkReport>, CloudError> {
    match &context.external.network {
        None => Ok(None),
        Some(network) => context.provider.report_network(&network.id).await,
    }
}

fn warn(context: &mut StepContext<'_>, report: Option<NetworkReport>) {
    let warnings = report.map(|report| report.warnings).unwrap_or_default();
    context.warnings.extend(warnings);
}

/// Which problem a failed workspace's message names. The texts are Databricks' and AWS' (troubleshooting pages of
/// both); what is not recognised stays readable in `upstream`.
fn failure(message: &str) -> Code {
    let message = message.to_ascii_lowercase();
    let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    if says(&[
        "maximum number of addresses",
        "addresslimitexceeded",
        "elastic ip",
    ]) {
        Code::ElasticIpLimit
    } else if says(&[
        "maximum number of vpc",
        "vpclimitexceeded",
        "internetgatewaylimitexceeded",
        "vpc endpoints",
    ]) {
        Code::VpcLimit
    } else if says(&["not authorized to perform", "unauthorizedoperation"]) {
        Code::CredentialsPermissionsMissing
    } else {
        Code::WorkspaceFailed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts() {
        for (text, code) in [
            (
                "The maximum number of addresses has been reached.",
                Code::ElasticIpLimit,
            ),
            ("InternetGatewayLimitExceeded: …", Code::VpcLimit),
            (
                "The maximum number of VPCs has been reached.",
                Code::VpcLimit,
            ),
            (
                "You are not authorized to perform this operation",
                Code::CredentialsPermissionsMissing,
            ),
            ("", Code::WorkspaceFailed),
        ] {
            assert_eq!(failure(text), code, "{text}");
        }
    }
}
