//! The draft of a checkpoint: turns what a step answered into what is written.

use super::checkpoint::Checkpoint;
use super::plan;
use super::step::{Class, Outcome, StepError, Wait};
use crate::domain::condition::{ConditionStatus, ConditionType, set_condition};
use crate::domain::operation::{
    OperationKind, OperationStatus, StepRecord, StepStatus, WaitingFor,
};
use crate::domain::problem::{Code, Explanation};
use crate::queue::Job;
use crate::queue::backoff::full_jitter;
use crate::queue::lease::Release;
use crate::store::operations::Operation;
use crate::store::workspaces::Workspace;
use chrono::{DateTime, Utc};
use serde_json::json;
use std::time::Duration;

/// The checkpoint of one step while it is being made.
pub(super) struct Draft {
    pub(super) checkpoint: Checkpoint,
    position: usize,
}

impl Draft {
    pub(super) fn new(operation: &Operation, workspace: &Workspace, position: usize) -> Self {
        let checkpoint = Checkpoint {
            status: OperationStatus::Running,
            position,
            steps: operation.steps.clone(),
            memo: operation.memo.clone(),
            waiting_for: None,
            message: operation.message.clone(),
            warnings: operation.warnings.clone(),
            // What made a create fail stays readable while it is undone and after.
            problem: workspace
                .problem
                .clone()
                .filter(|_| operation.kind == OperationKind::Delete),
            external: workspace.external.clone(),
            conditions: workspace.conditions.clone(),
            effects: Vec::new(),
            release: None,
            audit: None,
        };
        Self {
            checkpoint,
            position,
        }
    }

    fn step(&mut self) -> Option<&mut StepRecord> {
        self.checkpoint.steps.get_mut(self.position)
    }

    pub(super) fn begin(&mut self, now: DateTime<Utc>) {
        if let Some(step) = self.step() {
            step.status = StepStatus::Running;
            step.attempt = step.attempt.max(1);
            step.started_at.get_or_insert(now);
        }
    }

    fn end(&mut self, status: StepStatus, message: &str, now: DateTime<Utc>) {
        if let Some(step) = self.step() {
            step.status = status;
            step.finished_at = Some(now);
            step.duration_ms = step
                .started_at
                .map(|at| (now - at).num_milliseconds().max(0));
            message.clone_into(&mut step.message);
        }
        message.clone_into(&mut self.checkpoint.message);
    }

    fn set_ready(
        &mut self,
        status: ConditionStatus,
        reason: &str,
        message: &str,
        now: DateTime<Utc>,
    ) {
        let conditions = &mut self.checkpoint.conditions;
        set_condition(
            conditions,
            ConditionType::Ready,
            status,
            reason,
            message,
            now,
        );
    }

    fn name(&self) -> String {
        self.checkpoint
            .steps
            .get(self.position)
            .map(|s| s.name.clone())
            .unwrap_or_default()
    }

    /// An empty checkpoint: what it is for is the reaction to a cancellation.
    pub(super) fn wait_zero(mut self) -> Checkpoint {
        self.checkpoint.release = Some(Release::HandBack);
        self.checkpoint
    }

    pub(super) fn outcome(&mut self, outcome: Outcome, now: DateTime<Utc>, operation: &Operation) {
        if operation.kind == OperationKind::Delete {
            self.set_ready(ConditionStatus::False, "Deleting", "", now);
        }
        match outcome {
            Outcome::Done(message) => {
                let status = match operation.kind {
                    OperationKind::Create | OperationKind::Update => StepStatus::Succeeded,
                    OperationKind::Delete => StepStatus::Undone,
                };
                self.advance(status, &message, now, operation);
            }
            Outcome::Skipped(message) => {
                self.advance(StepStatus::Skipped, &message, now, operation)
            }
            Outcome::Again(message) => {
                if let Some(step) = self.step() {
                    message.clone_into(&mut step.message);
                }
                self.checkpoint.message = message;
            }
            Outcome::Wait(wait) | Outcome::Redo(wait) if overdue(operation, now) => {
                self.deadline(wait.because.map(|b| *b), &wait.message, now, operation);
            }
            Outcome::Wait(wait) => {
                if let Some(step) = self.step() {
                    wait.message.clone_into(&mut step.message);
                }
                if operation.waiting_for != Some(wait.waiting_for) {
                    let mut detail = json!({"step": self.name(), "waiting_for": wait.waiting_for, "message": wait.message});
                    if let Some(because) = &wait.because {
                        detail["code"] = json!(because.code);
                    }
                    self.checkpoint.audit = Some(("step.waiting", detail));
                }
                self.wait(wait, operation);
            }
            Outcome::Redo(wait) => {
                let from = plan::again_from(&operation.plan, self.position);
                let detail = json!({
                    "step": self.name(), "from": operation.plan.get(from), "message": wait.message,
                    "code": wait.because.as_ref().map(|because| because.code),
                });
                self.checkpoint.audit = Some(("step.retried", detail));
                for step in &mut self.checkpoint.steps[from..=self.position] {
                    let attempt = step.attempt + 1;
                    *step = StepRecord::pending(&step.name);
                    step.attempt = attempt;
                }
                self.checkpoint.position = from;
                self.checkpoint.memo = serde_json::Value::Null;
                self.wait(wait, operation);
            }
        }
    }

    fn wait(&mut self, wait: Wait, operation: &Operation) {
        self.checkpoint.message = wait.message;
        self.checkpoint.waiting_for = Some(wait.waiting_for);
        if operation.kind != OperationKind::Delete {
            self.checkpoint.problem = wait.because.map(|b| *b);
        }
        self.checkpoint.release = Some(Release::Snooze(wait.delay));
    }

    fn advance(
        &mut self,
        status: StepStatus,
        message: &str,
        now: DateTime<Utc>,
        operation: &Operation,
    ) {
        self.end(status, message, now);
        let detail = json!({"step": self.name(), "message": message});
        let action = match status {
            StepStatus::Undone => "step.undone",
            StepStatus::Skipped => "step.skipped",
            _ => "step.succeeded",
        };
        self.checkpoint.audit = Some((action, detail));
        self.checkpoint.memo = serde_json::Value::Null;
        self.checkpoint.position = self.position + 1;
        if self.checkpoint.position < operation.plan.len() {
            return;
        }
        self.checkpoint.status = OperationStatus::Succeeded;
        self.checkpoint.release = Some(Release::Finish);
        let (status, reason) = match operation.kind {
            OperationKind::Create | OperationKind::Update => {
                (ConditionStatus::True, "AllConditionsMet")
            }
            OperationKind::Delete => (ConditionStatus::False, "Deleted"),
        };
        self.set_ready(status, reason, "", now);
        let detail = json!({"kind": operation.kind, "step": self.name(), "message": message});
        self.checkpoint.audit = Some(("operation.succeeded", detail));
    }

    pub(super) fn error(
        &mut self,
        error: StepError,
        now: DateTime<Utc>,
        operation: &Operation,
        job: &Job,
    ) {
        let explanation = *error.explanation;
        let attempts = u32::try_from(job.attempts).unwrap_or(0);
        let backoff = || full_jitter(Duration::from_secs(1), Duration::from_secs(60), attempts);
        let (release, waiting_for) = match error.class {
            Class::NeedsAPerson => return self.park(explanation),
            Class::Permanent => return self.fail(explanation, now, operation),
            _ if overdue(operation, now) => {
                let message = explanation.detail.clone();
                return self.deadline(Some(explanation), &message, now, operation);
            }
            Class::Throttled(after) => (
                Release::Snooze(after.unwrap_or_else(backoff)),
                Some(WaitingFor::Throttling),
            ),
            Class::Transient => {
                if let Some(step) = self.step() {
                    step.attempt += 1;
                }
                (Release::Retry(backoff()), None)
            }
        };
        if let Some(step) = self.step() {
            explanation.detail.clone_into(&mut step.message);
        }
        explanation.detail.clone_into(&mut self.checkpoint.message);
        self.checkpoint.waiting_for = waiting_for;
        self.checkpoint.release = Some(release);
        // Being held back may go on several times a second: it is told when it begins.
        if waiting_for.is_none() || operation.waiting_for != waiting_for {
            let detail = json!({"step": self.name(), "code": explanation.code, "message": explanation.detail});
            self.checkpoint.audit = Some(("step.retried", detail));
        }
        if operation.kind != OperationKind::Delete {
            self.checkpoint.problem = Some(explanation);
        }
    }

    /// The deadline has passed while something might still have come: what was wrong is the problem.
    fn deadline(
        &mut self,
        because: Option<Explanation>,
        message: &str,
        now: DateTime<Utc>,
        operation: &Operation,
    ) {
        let explanation = because.unwrap_or_else(|| {
            let detail = format!(
                "{} was still waiting at the deadline: {message}",
                self.name()
            );
            Explanation::new(Code::ProvisioningTimeout, detail)
        });
        self.fail(explanation, now, operation);
    }

    /// A create or update fails and is explained; an undo that cannot go on needs a person, since nothing may be forgotten.
    /// What could not be changed is as ready as before.
    fn fail(&mut self, explanation: Explanation, now: DateTime<Utc>, operation: &Operation) {
        if operation.kind == OperationKind::Delete {
            return self.park(explanation);
        }
        let detail =
            json!({"step": self.name(), "code": explanation.code, "message": explanation.detail});
        self.checkpoint.audit = Some(("operation.failed", detail));
        self.end(StepStatus::Failed, &explanation.detail.clone(), now);
        self.checkpoint.status = OperationStatus::Failed;
        self.checkpoint.release = Some(Release::Finish);
        if operation.kind == OperationKind::Create {
            let title = explanation.code.title();
            self.set_ready(ConditionStatus::False, "CreateFailed", title, now);
        }
        self.checkpoint.problem = Some(explanation);
    }

    /// Waits for a person; nothing is thrown away.
    pub(super) fn park(&mut self, explanation: Explanation) {
        let detail =
            json!({"step": self.name(), "code": explanation.code, "message": explanation.detail});
        self.checkpoint.audit = Some(("operation.parked", detail));
        if let Some(step) = self.step() {
            explanation.detail.clone_into(&mut step.message);
        }
        explanation.detail.clone_into(&mut self.checkpoint.message);
        self.checkpoint.status = OperationStatus::NeedsAttention;
        self.checkpoint.waiting_for = None;
        self.checkpoint.release = Some(Release::Finish);
        self.checkpoint.problem = Some(explanation);
    }
}

/// Whether its deadline has passed.
pub(super) fn overdue(operation: &Operation, now: DateTime<Utc>) -> bool {
    operation
        .deadline_at
        .is_some_and(|deadline| now >= deadline)
}
