//! `await_reachable`: RUNNING does not mean usable. Until the name resolves and the API answers well three times
//! in a row.

use super::{made, nothing_to_undo};
use crate::cloud::Probe;
use crate::domain::condition::{ConditionStatus, ConditionType};
use crate::domain::operation::WaitingFor;
use crate::domain::problem::{Code, Explanation};
use crate::provisioning::context::StepContext;
use crate::provisioning::step::{Call, Halt, Outcome, Step};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Good answers in a row that count as steady. Readiness comes and goes in the first minutes.
const STEADY: u32 = 3;

/// Waits for the workspace's own host.
pub struct AwaitReachable;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Memo {
    /// Good answers in a row.
    good: u32,
    /// Bad ones in a row: the wait grows with them.
    bad: u32,
}

#[async_trait]
impl Step for AwaitReachable {
    fn name(&self) -> &'static str {
        "await_reachable"
    }

    fn calls(&self) -> &'static [Call] {
        &[Call::Probe]
    }

    async fn run(&self, context: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        if !context.workspace.spec.reachable_from_here {
            let message = "the template says that the workspace cannot be reached from here";
            context.set_condition(
                ConditionType::EndpointReachable,
                ConditionStatus::Unknown,
                "NotProbed",
                message,
            );
            return Ok(Outcome::Skipped(message.into()));
        }
        let workspace = made(&context.external)?.clone();
        let memo: Memo = context.memo();
        let (code, detail) = match context.provider.probe(&workspace).await? {
            Probe::Good if memo.good + 1 >= STEADY => {
                let message = format!("{STEADY} good answers in a row");
                context.set_condition(
                    ConditionType::EndpointReachable,
                    ConditionStatus::True,
                    "Steady",
                    &message,
                );
                return Ok(Outcome::Done(message));
            }
            Probe::Good => {
                context.set_memo(&Memo {
                    good: memo.good + 1,
                    bad: 0,
                });
                let message = format!("{} of {STEADY} good answers in a row", memo.good + 1);
                return Ok(Outcome::wait(context.settings.probe_gap, message));
            }
            Probe::NoName => (
                Code::DnsNotResolving,
                format!("{} does not resolve yet", workspace.url),
            ),
            Probe::NotReady(sentence) => (Code::ApiNotReady, sentence),
        };
        let reason = if code == Code::DnsNotResolving {
            "NoName"
        } else {
            "NotReady"
        };
        context.set_condition(
            ConditionType::EndpointReachable,
            ConditionStatus::False,
            reason,
            &detail,
        );
        context.set_memo(&Memo {
            good: 0,
            bad: memo.bad.saturating_add(1),
        });
        // 0.5, 1, 2, 4, 5, 5 … seconds: the host appears within minutes, and each look is one small request.
        let delay = (context.settings.probe_gap * 2_u32.pow(memo.bad.min(8)))
            .min(context.settings.look_gap);
        Ok(Outcome::wait_because(
            delay,
            WaitingFor::Databricks,
            Explanation::new(code, detail),
        ))
    }

    async fn undo(&self, _: &mut StepContext<'_>) -> Result<Outcome, Halt> {
        nothing_to_undo()
    }
}
