//! `preflight`: what the account can tell before anything is made.

use super::{nothing_to_undo, upstream};
use crate::cloud::{CheckResult, Own};
use crate::domain::condition::{ConditionStatus, ConditionType};
use crate::domain::marker::MarkerKind;
use crate::domain::problem::Explanation;
use crate::provisioning::context::StepContext;
use crate::provisioning::step::{Call, Halt, Outcome, Step};
use async_trait::async_trait;

/// Asks the account whether the spec can work. *unknown* never blocks; a failed check ends the operation before
/// anything is made.
pub struct Preflight;

#[async_trait]
impl Step for Preflight {
    fn name(&self) -> &'static str {
        "preflight"
    }

    fn calls(&self) -> &'static [Call] {
        &[Call::Preflight]
    }

    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        let network = context.marker(MarkerKind::Network, 1);
        let name = upstream(context);
        let own = Own {
            workspace: context.external.workspace.as_ref().map(|it| &it.id),
            name: &name,
            network: &network,
        };
        let spec = &context.workspace.spec;
        let checks = context.provider.preflight(spec, own).await?;
        let failed: Vec<&Explanation> = checks
            .iter()
            .filter_map(|check| match &check.result {
                CheckResult::Fail(explanation) => Some(&**explanation),
                CheckResult::Pass | CheckResult::Unknown => None,
            })
            .collect();
        if let Some(first) = failed.first() {
            let mut explanation = (*first).clone();
            explanation.detail = failed
                .iter()
                .map(|e| e.detail.as_str())
                .collect::<Vec<_>>()
                .join("; ");
            context.set_condition(
                ConditionType::PreflightPassed,
                ConditionStatus::False,
                "ChecksFailed",
                &explanation.detail,
            );
            return Err(Halt::permanent(explanation));
        }
        let unknown = checks
            .iter()
            .filter(|check| check.result == CheckResult::Unknown)
            .count();
        let message = match unknown {
            0 if checks.len() == 1 => "1 check passed".to_owned(),
            0 => format!("{} checks passed", checks.len()),
            n => format!("{} checks passed, {n} could not be told", checks.len() - n),
        };
        context.set_condition(
            ConditionType::PreflightPassed,
            ConditionStatus::True,
            "ChecksPassed",
            &message,
        );
        Ok(Outcome::Done(message))
    }

    async fn undo(&self, _: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        nothing_to_undo()
    }
}
