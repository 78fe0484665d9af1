//! The engine: takes an operation forward from its last checkpoint, one step at a time.

use super::checkpoint::{self, Checkpoint, Committed};
use super::context::StepContext;
use super::count;
use super::draft::{self, Draft};
use super::step::{Class, Halt, Outcome, Step, StepError};
use super::{OPERATION_JOB, Provisioning, plan};
use crate::clock::Clock;
use crate::domain::id::OperationId;
use crate::domain::operation::{OperationKind, OperationStatus};
use crate::domain::problem::{Code, Explanation};
use crate::queue::lease::{self, Release};
use crate::queue::worker::{Failed, Handler, Left};
use crate::queue::{Job, enqueue};
use crate::store::operations::{self, Operation};
use crate::store::workspaces::{self, Workspace};
use crate::store::{Teams, audit};
use crate::telemetry::traces;
use async_trait::async_trait;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

/// A step that panicked this often is parked.
const POISON_PANICS: i32 = 3;

/// A job whose next step this version does not know is looked at again after this.
const UNKNOWN_STEP: Duration = Duration::from_secs(60);

/// A delete looks this often whether the create it interrupts has stopped.
const STOPPING: Duration = Duration::from_millis(500);

/// Runs the jobs of operations.
pub struct Engine(pub Arc<Provisioning>);

#[async_trait]
impl Handler for Engine {
    fn kind(&self) -> &'static str {
        OPERATION_JOB
    }

    async fn run(&self, job: &Job, shutdown: &CancellationToken) -> Result<Left, Failed> {
        let id: OperationId = job.key.parse()?;
        let mut job = job.clone();
        let clock = self.0.clock.set(job.acquired_at);
        loop {
            let mut connection = self.0.db.acquire().await?;
            let Some(operation) = operations::get(&mut connection, id, &Teams::All).await? else {
                return self.release(&job, Release::Finish).await;
            };
            let Some(workspace) =
                workspaces::get(&mut connection, operation.workspace_id, &Teams::All).await?
            else {
                return self.release(&job, Release::Finish).await;
            };
            drop(connection);
            if operation.status.is_done() || operation.status == OperationStatus::NeedsAttention {
                return self.release(&job, Release::Finish).await;
            }
            // The job is in the trace of the request that asked for it.
            traces::begin(&Span::current(), operation.traceparent.as_deref());
            let span = tracing::info_span!(
                "step",
                request_id = %operation.request_id,
                trace_id = operation.traceparent.as_deref().and_then(trace_id),
                operation.id = %operation.id,
                workspace.id = %workspace.id,
                step = operation.plan.get(usize::try_from(operation.position)?).map(String::as_str),
                code = tracing::field::Empty,
            );
            match self
                .drive(&job, &operation, &workspace, &clock, shutdown)
                .instrument(span)
                .await?
            {
                // Both are counted since the last checkpoint, and this was one.
                Next::Again => (job.claims, job.attempts) = (1, 0),
                Next::Left(left) => return Ok(left),
            }
        }
    }

    fn processes(&self, live: u32) {
        self.0
            .providers
            .values()
            .for_each(|provider| provider.set_processes(live));
    }
}

enum Next {
    Again,
    Left(Left),
}

impl Engine {
    /// One step and its checkpoint.
    async fn drive(
        &self,
        job: &Job,
        operation: &Operation,
        workspace: &Workspace,
        clock: &Clock,
        shutdown: &CancellationToken,
    ) -> Result<Next, Failed> {
        if operation.kind == OperationKind::Delete && operation.status == OperationStatus::Queued {
            // What the interrupted create made is read only after it has stopped.
            return self.take_over(job, operation, workspace).await;
        }
        let position = usize::try_from(operation.position)?;
        let Some(name) = operation.plan.get(position) else {
            return self.release(job, Release::Finish).await.map(Next::Left);
        };
        let Some(step) = plan::find(name) else {
            if draft::overdue(operation, clock.now()) {
                let detail = format!("No version that runs knows the step {name}.");
                let mut draft = Draft::new(operation, workspace, position);
                draft.park(Explanation::new(Code::ConfigurationChanged, detail));
                return self
                    .commit(job, operation, workspace, draft.checkpoint, shutdown)
                    .await;
            }
            // Another version's plan: that version will come for it.
            tracing::warn!("this version does not know the step; leaving it alone");
            return self
                .release(job, Release::Snooze(UNKNOWN_STEP))
                .await
                .map(Next::Left);
        };
        let mut draft = Draft::new(operation, workspace, position);
        if operation.status == OperationStatus::Cancelling {
            return self
                .commit(job, operation, workspace, draft.wait_zero(), shutdown)
                .await;
        }
        draft.begin(clock.now());
        if job.claims >= self.0.settings.max_claims {
            let detail = format!(
                "{name} was begun {} times and never ended: its process died each time",
                job.claims
            );
            draft.park(Explanation::new(Code::StepCrashed, detail));
            return self
                .commit(job, operation, workspace, draft.checkpoint, shutdown)
                .await;
        }
        let result = self
            .run_step(step, job, operation, workspace, clock, &mut draft)
            .await;
        match result {
            Ok(outcome) => draft.outcome(outcome, clock.now(), operation),
            Err(Halt::Error(error)) => draft.error(error, clock.now(), operation, job),
            Err(Halt::Fenced) => return Ok(Next::Left(Left::Fenced)),
            Err(Halt::Cancelled) => draft.checkpoint.release = Some(Release::HandBack),
            Err(Halt::Store(error)) => return Err(error.into()),
        }
        self.commit(job, operation, workspace, draft.checkpoint, shutdown)
            .await
    }

    /// Lends the step its context and takes back what it changed.
    async fn run_step(
        &self,
        step: &dyn Step,
        job: &Job,
        operation: &Operation,
        workspace: &Workspace,
        clock: &Clock,
        draft: &mut Draft,
    ) -> Result<Outcome, Halt> {
        let missing = |what: &str, name: &str| {
            Halt::transient(Explanation::new(
                Code::ConfigurationChanged,
                format!("{what} `{name}` is not configured"),
            ))
        };
        let spec = &workspace.spec;
        let provider = self
            .0
            .providers
            .get(&spec.account)
            .ok_or_else(|| missing("account", &spec.account))?;
        let store = self
            .0
            .stores
            .get(&spec.secret.store)
            .ok_or_else(|| missing("store", &spec.secret.store))?;
        let mut context = StepContext {
            workspace,
            operation,
            external: workspace.external.clone(),
            conditions: workspace.conditions.clone(),
            warnings: operation.warnings.clone(),
            provider: Arc::clone(provider),
            store: Arc::clone(store),
            settings: &self.0.settings,
            clock,
            memo: operation.memo.clone(),
            effects: Vec::new(),
            db: &self.0.db,
            job,
        };
        let run = async {
            match operation.kind {
                OperationKind::Create | OperationKind::Update => step.run(&mut context).await,
                OperationKind::Delete => step.undo(&mut context).await,
            }
        };
        let result = AssertUnwindSafe(run)
            .catch_unwind()
            .await
            .unwrap_or_else(|_| {
                let class = if job.attempts + 1 >= POISON_PANICS {
                    Class::NeedsAPerson
                } else {
                    Class::Transient
                };
                let explanation =
                    Explanation::new(Code::StepCrashed, format!("{} panicked", step.name()));
                Err(Halt::Error(StepError {
                    class,
                    explanation: Box::new(explanation),
                }))
            });
        let checkpoint = &mut draft.checkpoint;
        checkpoint.external = context.external;
        checkpoint.conditions = context.conditions;
        checkpoint.warnings = context.warnings;
        checkpoint.memo = context.memo;
        checkpoint.effects = context.effects;
        result
    }

    async fn commit(
        &self,
        job: &Job,
        operation: &Operation,
        workspace: &Workspace,
        mut checkpoint: Checkpoint,
        shutdown: &CancellationToken,
    ) -> Result<Next, Failed> {
        if checkpoint.release.is_none() && shutdown.is_cancelled() {
            checkpoint.release = Some(Release::HandBack);
        }
        let due = match checkpoint.release {
            Some(Release::Snooze(delay) | Release::Retry(delay)) => Some(delay),
            _ => None,
        };
        log(&checkpoint);
        let committed = checkpoint::commit(
            &self.0.db,
            &self.0.settings,
            job,
            operation,
            workspace,
            checkpoint,
        )
        .await?;
        Ok(match committed {
            Committed::Kept => Next::Again,
            Committed::Released | Committed::Cancelled => Next::Left(Left::Released(due)),
            Committed::Fenced => Next::Left(Left::Fenced),
        })
    }

    /// Before a delete begins, the create it interrupts must have stopped: at its next checkpoint if a worker runs
    /// it, which is waited for, here and now if nobody does.
    async fn take_over(
        &self,
        job: &Job,
        delete: &Operation,
        workspace: &Workspace,
    ) -> Result<Next, Failed> {
        let mut transaction = self.0.db.begin().await?;
        workspaces::lock(&mut transaction, delete.workspace_id).await?;
        if !lease::hold(&mut transaction, job).await? {
            return Ok(Next::Left(Left::Fenced));
        }
        let unfinished = operations::lock_unfinished(&mut transaction, delete.workspace_id).await?;
        for create in &unfinished {
            if create.id == delete.id {
                continue;
            }
            if !enqueue::remove_unheld(&mut transaction, OPERATION_JOB, &create.id.to_string())
                .await?
            {
                lease::release(&mut transaction, job, Release::Snooze(STOPPING)).await?;
                transaction.commit().await?;
                return Ok(Next::Left(Left::Released(Some(STOPPING))));
            }
            checkpoint::stop(&mut transaction, create.id, Some(delete.id)).await?;
            let entry = told(job, create, "operation.cancelled");
            audit::append(&mut transaction, &entry).await?;
            checkpoint::tell(&mut transaction, create.id).await?;
        }
        operations::begin(&mut transaction, delete.id).await?;
        let entry = told(job, delete, "operation.begun");
        audit::append(&mut transaction, &entry).await?;
        transaction.commit().await?;
        for create in unfinished.iter().filter(|it| it.id != delete.id) {
            count::cancelled(create, workspace);
        }
        Ok(Next::Again)
    }

    /// Releases a job about which nothing is written down.
    async fn release(&self, job: &Job, how: Release) -> Result<Left, Failed> {
        let mut transaction = self.0.db.begin().await?;
        if !lease::hold(&mut transaction, job).await? {
            return Ok(Left::Fenced);
        }
        lease::release(&mut transaction, job, how).await?;
        transaction.commit().await?;
        Ok(Left::Released(None))
    }
}

/// The trace's id inside a W3C trace context that was checked on acceptance.
fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1)
}

/// What the audit says of an operation that a worker ends or begins.
fn told<'a>(job: &Job, operation: &'a Operation, action: &'a str) -> audit::Entry<'a> {
    audit::Entry {
        actor: "worker",
        action,
        workspace: operation.workspace_id,
        operation: operation.id,
        team: &operation.team,
        epoch: Some(job.epoch),
        request_id: &operation.request_id,
        detail: serde_json::json!({"kind": operation.kind}),
    }
}

/// One line per event that the audit keeps as well; a wait or a poll is for debugging. The code is the event's own: while
/// a workspace that failed is removed, its problem goes on saying why it failed.
fn log(checkpoint: &Checkpoint) {
    let detail = checkpoint.message.as_str();
    let Some((action, told)) = &checkpoint.audit else {
        tracing::debug!(detail, waiting_for = ?checkpoint.waiting_for, "step.waiting");
        return;
    };
    match told.get("code").and_then(serde_json::Value::as_str) {
        Some(code) => {
            Span::current().record("code", code);
            tracing::warn!(code, detail, "{action}");
        }
        None => tracing::info!(detail, "{action}"),
    }
}
