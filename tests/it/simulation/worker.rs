//! A worker that runs one job when it is told to, and is frozen when a call of its is held.

use super::world::LEASE;
use crate::support::TestApp;
use crate::support::variants::sent;
use brickyard::domain::cloud::Cloud;
use brickyard::provisioning::step::Kind;
use brickyard::queue::lease::{self, Release};
use brickyard::queue::worker::{Failed, Handler, Left};
use simulator::{Arrival, Call, FaultKind};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What runs the jobs of each kind.
pub type Handlers = Arc<HashMap<&'static str, Arc<dyn Handler>>>;

type Running = Pin<Box<dyn Future<Output = Result<Left, Failed>> + Send>>;

/// One process, as far as the queue can tell.
pub struct Worker {
    /// Under which it holds leases.
    pub owner: Uuid,
    handlers: Handlers,
    /// Whether the store it delivers to refuses a put that comes too late.
    compares: bool,
    shutdown: CancellationToken,
    frozen: Option<Frozen>,
}

/// A job in the middle of a call.
struct Frozen {
    running: Running,
    job: brickyard::queue::Job,
    /// The call had no effect yet, and may have it until then by the clocks that jump; or what comes after it may not be
    /// sent later.
    lands_until: Option<Duration>,
    /// Whether its effect may come after somebody else has taken the job over: those who did know of it.
    awaited: bool,
}

/// What became of a run.
#[derive(Debug, PartialEq, Eq)]
pub enum Ran {
    /// Nothing was due, or the worker is frozen.
    Nothing,
    /// A job, to where it left it.
    One,
    /// A job, as far as a call that is held.
    Frozen,
}

/// What kind of call it is, wherever.
fn kind(call: Call) -> Option<Kind> {
    let mut sent = Cloud::ALL.into_iter().flat_map(sent);
    sent.find(|(it, _)| *it == call).map(|(_, kind)| kind)
}

/// The longest that a call may be on its way.
fn on_its_way(call: Call) -> Duration {
    let creates = kind(call) == Some(Kind::Create);
    Duration::from_secs(if creates { 60 } else { 20 })
}

/// Whether a successor waits for what this call may still do, by its attempt.
fn is_awaited(call: Call) -> bool {
    let update = matches!(call, Call::UpdateWorkspace | Call::ArmUpdateWorkspace);
    update || matches!(kind(call), Some(Kind::Create | Kind::Mint))
}

impl Worker {
    /// A process that has just begun.
    pub fn new(handlers: Handlers, compares: bool) -> Self {
        Self {
            owner: Uuid::now_v7(),
            handlers,
            compares,
            shutdown: CancellationToken::new(),
            frozen: None,
        }
    }

    /// Whether it is in the middle of a call.
    pub fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// The job it is at.
    pub fn job(&self) -> Option<Uuid> {
        self.frozen.as_ref().map(|frozen| frozen.job.id)
    }

    /// Takes one job that is due and runs it.
    pub async fn run(&mut self, app: &TestApp, now: Duration) -> Ran {
        if self.is_frozen() {
            return Ran::Nothing;
        }
        let kinds: Vec<String> = self.handlers.keys().map(|&kind| kind.to_owned()).collect();
        let jobs = lease::acquire(&app.app.db, self.owner, &kinds, 1, LEASE).await;
        let Some(job) = jobs.expect("the database answers").pop() else {
            return Ran::Nothing;
        };
        let handler = Arc::clone(&self.handlers[job.kind.as_str()]);
        let shutdown = self.shutdown.clone();
        let running = {
            let job = job.clone();
            Box::pin(async move { handler.run(&job, &shutdown).await })
        };
        self.drive(app, running, job, now).await
    }

    /// Goes on with what it was at, which is not held any more.
    pub async fn resume(&mut self, app: &TestApp, now: Duration) -> Ran {
        match self.frozen.take() {
            Some(frozen) => self.drive(app, frozen.running, frozen.job, now).await,
            None => Ran::Nothing,
        }
    }

    /// Runs on until the job is left or another call is held.
    async fn drive(
        &mut self,
        app: &TestApp,
        mut running: Running,
        job: brickyard::queue::Job,
        now: Duration,
    ) -> Ran {
        let mut holds = app.simulator.holds();
        let before = *holds.borrow_and_update();
        let left = tokio::select! {
            left = &mut running => left,
            _ = holds.wait_for(|times| *times > before) => {
                self.freeze(app, running, job, now);
                return Ran::Frozen;
            }
        };
        if let Err(error) = left {
            // What the loop of a real worker does.
            tracing::debug!(%error, "a job failed");
            let mut connection = app.app.db.acquire().await.expect("the database answers");
            let released = lease::release(
                &mut connection,
                &job,
                Release::Retry(Duration::from_secs(1)),
            );
            released.await.expect("the database answers");
        }
        Ran::One
    }

    fn freeze(
        &mut self,
        app: &TestApp,
        running: Running,
        job: brickyard::queue::Job,
        now: Duration,
    ) {
        let arrivals = app.simulator.arrivals();
        let is_held = |it: &&Arrival| {
            matches!(
                it.fault,
                Some(FaultKind::HoldRequest | FaultKind::HoldAnswer)
            )
        };
        let held = arrivals.iter().rfind(is_held).expect("something is held");
        let before = held.fault == Some(FaultKind::HoldRequest);
        // A process looks at its own clock before it puts into a store that does not compare.
        let delivers = held.call.is_store() || kind(held.call) == Some(Kind::Mint);
        let timed = !before && delivers && !self.compares;
        self.frozen = Some(Frozen {
            running,
            job,
            lands_until: (before || timed).then(|| now + on_its_way(held.call)),
            awaited: timed || is_awaited(held.call),
        });
    }

    /// A call that has not landed in its time never does: its sender gave up, or the lease would still hold. Only what
    /// a successor knows of may land after the job was taken over.
    pub fn drop_overdue(&mut self, now: Duration, stolen: bool) {
        let overdue = self.frozen.as_ref().is_some_and(|it| {
            it.lands_until
                .is_some_and(|until| now >= until || stolen && !it.awaited)
        });
        if overdue {
            *self = Self::new(Arc::clone(&self.handlers), self.compares);
        }
    }

    /// Is told to stop at the next checkpoint.
    pub fn stop(&self) {
        self.shutdown.cancel();
    }
}
