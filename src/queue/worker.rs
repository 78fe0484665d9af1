//! The loop of a process: acquire what is due, run each job in a task, extend the leases, stop gracefully.

use super::backoff::full_jitter;
use super::lease::{self, Release};
use super::{Job, Settings, enqueue, listen};
use crate::metrics;
use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::PgPool;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;

/// How long a checkpoint that is being written when the grace ends may take.
const LAST_CHECKPOINT: Duration = Duration::from_secs(1);

/// Between two looks whether it is written.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// In a backlog, those jobs are asked for this often that go ahead of it.
const AHEAD_EVERY: Duration = Duration::from_millis(500);

/// How a handler left its job.
#[derive(Debug)]
pub enum Left {
    /// It released the job itself, in its last transaction; the job is due again after this, if known.
    Released(Option<Duration>),
    /// The lease was lost: somebody else owns the job.
    Fenced,
}

/// Why a handler could not run or release its job: any room's error. It is logged, and the job is tried again.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Runs the jobs of one kind.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The kind of jobs it runs.
    fn kind(&self) -> &'static str;

    /// Runs one job and releases it in the transaction that records what was done. When `shutdown` is cancelled it
    /// stops at the next checkpoint.
    ///
    /// # Errors
    /// When the database failed: the worker releases the job with backoff, or lets its lease expire.
    async fn run(&self, job: &Job, shutdown: &CancellationToken) -> Result<Left, Failed>;

    /// Whether its jobs, of which there are few, go ahead of all others that are due.
    fn goes_ahead(&self) -> bool {
        false
    }

    /// Told every few seconds how many processes are alive.
    fn processes(&self, _live: u32) {}
}

/// One process's worker.
pub struct Worker {
    db: PgPool,
    settings: Settings,
    owner: Uuid,
    handlers: HashMap<&'static str, Arc<dyn Handler>>,
    running: Arc<Mutex<Vec<Uuid>>>,
    wake: Arc<Notify>,
    /// When a job this process snoozed itself is due again: saves waiting for the slow poll.
    next_due: Arc<Mutex<Vec<Instant>>>,
}

impl Worker {
    /// A worker for these handlers.
    pub fn new(db: PgPool, settings: Settings, handlers: Vec<Arc<dyn Handler>>) -> Self {
        Self {
            db,
            settings,
            owner: Uuid::now_v7(),
            handlers: handlers.into_iter().map(|h| (h.kind(), h)).collect(),
            running: Arc::default(),
            wake: Arc::new(Notify::new()),
            next_due: Arc::default(),
        }
    }

    /// Runs until `shutdown`: then nothing more is acquired, running jobs get the grace to reach a checkpoint, and
    /// what is left is handed back.
    pub async fn run(self, shutdown: CancellationToken) {
        let wake = Arc::clone(&self.wake);
        let listener = tokio::spawn(listen::listen(
            self.db.clone(),
            enqueue::CHANNEL,
            move |_| wake.notify_one(),
            shutdown.clone(),
        ));
        let done = CancellationToken::new();
        let renewer = tokio::spawn(renew(
            self.db.clone(),
            self.settings.clone(),
            self.owner,
            Arc::clone(&self.running),
            self.handlers.values().cloned().collect(),
            done.clone(),
        ));
        let tasks = TaskTracker::new();
        self.acquire_until(&shutdown, &tasks).await;
        tasks.close();
        if tokio::time::timeout(self.settings.grace, tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                jobs = tasks.len(),
                "jobs did not reach a checkpoint in time; their leases are handed back"
            );
        }
        // The last extension comes first: after the hand-back it would count this process among the living again.
        done.cancel();
        let _ = renewer.await;
        self.hand_back().await;
        let _ = listener.await;
    }

    /// Hands everything back, and sees to it that checkpoints which are being written at this moment are not cut off: the
    /// process ends after this, and its transactions with it.
    async fn hand_back(&self) {
        let until = Instant::now() + LAST_CHECKPOINT;
        loop {
            match lease::hand_back(&self.db, self.owner).await {
                Ok(0) => return,
                Ok(_) if Instant::now() < until => tokio::time::sleep(LOOK_AGAIN).await,
                Ok(jobs) => return tracing::warn!(jobs, "leases are left behind; they expire"),
                Err(error) => {
                    return tracing::warn!(%error, "cannot hand leases back; they expire");
                }
            }
        }
    }

    async fn acquire_until(&self, shutdown: &CancellationToken, tasks: &TaskTracker) {
        let kinds: Vec<String> = self.handlers.keys().map(|&kind| kind.to_owned()).collect();
        let first = self.handlers.values().filter(|it| it.goes_ahead());
        let ahead: Vec<String> = first.map(|it| it.kind().to_owned()).collect();
        // Since when more may be due than was taken, or since who goes ahead was asked for.
        let mut behind: Option<Instant> = None;
        let slots = Arc::new(Semaphore::new(self.settings.slots));
        while !shutdown.is_cancelled() {
            // Slots first, rows second: a leased job never waits in memory.
            let Ok(first) = Arc::clone(&slots).acquire_owned().await else {
                return;
            };
            let mut free = vec![first];
            while let Ok(permit) = Arc::clone(&slots).try_acquire_owned() {
                free.push(permit);
            }
            if shutdown.is_cancelled() {
                return;
            }
            let wanted = free.len();
            // What is due longest comes first: in a backlog, who goes ahead has to be asked for by name.
            let by_name = !ahead.is_empty() && behind.is_some_and(|it| it.elapsed() >= AHEAD_EVERY);
            let kinds = if by_name { &ahead } else { &kinds };
            let jobs = match lease::acquire(
                &self.db,
                self.owner,
                kinds,
                wanted,
                self.settings.lease,
            )
            .await
            {
                Ok(jobs) => jobs,
                Err(error) => {
                    tracing::warn!(%error, "cannot acquire jobs");
                    Vec::new()
                }
            };
            let found = jobs.len();
            behind = match behind {
                _ if by_name => Some(Instant::now()),
                _ if found < wanted => None,
                since => since.or_else(|| Some(Instant::now())),
            };
            for job in jobs {
                let Some(slot) = free.pop() else { break };
                let task = self.task(job, shutdown.clone());
                tasks.spawn(async move {
                    task.await;
                    drop(slot);
                });
            }
            drop(free);
            if found < wanted && !by_name {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep(self.pause()) => {}
                }
            }
        }
    }

    /// How long nothing can be due as far as this process knows, bounded by the slow poll (with jitter, so that
    /// processes do not poll in step).
    fn pause(&self) -> Duration {
        let now = Instant::now();
        let mut due = self.next_due.lock().unwrap_or_else(PoisonError::into_inner);
        due.retain(|at| *at > now);
        let poll = self
            .settings
            .poll_every
            .mul_f64(0.9 + rand::random::<f64>() * 0.2);
        due.iter()
            .min()
            .map_or(poll, |at| at.duration_since(now).min(poll))
    }

    /// The future that runs one job. The handler releases the job; if it fails to, the job is retried with
    /// backoff, and a panic counts like any other failed try.
    fn task(
        &self,
        job: Job,
        shutdown: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let db = self.db.clone();
        let running = Arc::clone(&self.running);
        let wake = Arc::clone(&self.wake);
        let next_due = Arc::clone(&self.next_due);
        let handler = self.handlers.get(job.kind.as_str()).cloned();
        lock(&running).push(job.id);
        let span = tracing::info_span!("job", job.kind = %job.kind, job.key = %job.key, job.epoch = job.epoch);
        async move {
            let Some(handler) = handler else { return };
            let _running = metrics::JobRunning::begin();
            let left = AssertUnwindSafe(handler.run(&job, &shutdown))
                .catch_unwind()
                .await;
            let due = match left {
                Ok(Ok(Left::Released(due))) => due,
                Ok(Ok(Left::Fenced)) => {
                    metrics::lease_lost();
                    tracing::info!("lease lost; somebody else has the job");
                    None
                }
                Ok(Err(error)) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "job failed; it will be tried again"
                    );
                    give_back(&db, &job).await
                }
                Err(_panic) => {
                    tracing::error!("job panicked; it will be tried again");
                    give_back(&db, &job).await
                }
            };
            {
                // One entry only: after a lost lease the job may have come back and run here a second time.
                let mut running = lock(&running);
                if let Some(at) = running.iter().position(|id| *id == job.id) {
                    running.swap_remove(at);
                }
            }
            if let Some(delay) = due {
                lock(&next_due).push(Instant::now() + delay + Duration::from_millis(2));
            }
            wake.notify_one();
        }
        .instrument(span)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn give_back(db: &PgPool, job: &Job) -> Option<Duration> {
    let delay = full_jitter(
        Duration::from_secs(1),
        Duration::from_secs(60),
        u32::try_from(job.attempts).unwrap_or(0),
    );
    let released = async {
        let mut connection = db.acquire().await?;
        lease::release(&mut connection, job, Release::Retry(delay)).await
    };
    match released.await {
        Ok(()) => Some(delay),
        Err(error) => {
            tracing::warn!(%error, "cannot release the job; its lease expires");
            None
        }
    }
}

async fn renew(
    db: PgPool,
    settings: Settings,
    owner: Uuid,
    running: Arc<Mutex<Vec<Uuid>>>,
    handlers: Vec<Arc<dyn Handler>>,
    done: CancellationToken,
) {
    loop {
        let jobs = lock(&running).clone();
        match lease::extend(&db, owner, &jobs, settings.lease).await {
            Ok(live) => {
                let live = u32::try_from(live).unwrap_or(1).max(1);
                handlers.iter().for_each(|handler| handler.processes(live));
            }
            Err(error) => tracing::warn!(%error, "cannot extend leases"),
        }
        tokio::select! {
            () = done.cancelled() => return,
            () = tokio::time::sleep(settings.renew_every) => {}
        }
    }
}
