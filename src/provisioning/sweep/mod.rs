//! The sweep: what nobody waits for and nobody asked for, found by looking around every few minutes.
//!
//! One job per account compares what is in the account with what we know. What carries our marker and has no owner is
//! an **orphan** (`orphans`): reported once, remembered, and removed only where the operator says so. A ready
//! workspace that is no longer there is said so (`drift`); a PAT with our marker that is not the delivered one is
//! revoked (`strays`), since nobody has its value. One more job, of no account, gives unfinished operations back the
//! jobs they have lost and purges what is not kept for ever (`house`).
//!
//! The jobs re-enqueue themselves, and their lease is the election: a replica that dies is replaced when its lease ends.
//!
//! Lists are read before the database: whoever makes something has written down before that it will, so what is listed
//! and unowned afterwards stays unowned. Nothing is reported that has not been seen twice, and nothing removed without
//! one more look, the lease, and the question who owns it, asked at the last moment. This room refuses to touch what
//! carries no marker of this instance.

mod drift;
mod house;
mod orphans;
mod pass;
mod strays;

use super::step::{Class, Halt};
use super::{Provisioning, SWEEP_JOB};
use crate::queue::Job;
use crate::queue::lease::{self, Release};
use crate::queue::worker::{Failed, Handler, Left};
use async_trait::async_trait;
use pass::Pass;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Whom the audit names.
const SYSTEM: &str = "system:sweep";

/// Key of the job that is of no account; no account is called so.
pub const HOUSE: &str = "*";

/// After a pass that could not be finished, the next one comes no later than this.
const SOON: Duration = Duration::from_secs(60);

/// What can be set about the sweep.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Between two passes.
    pub every: Duration,
    /// Whether orphans are removed.
    pub delete: bool,
    /// How long an orphan must have been known before it is.
    pub delete_after: Duration,
    /// How long deleted workspaces are kept, with all that was known of them.
    pub keep_deleted: Duration,
    /// How long finished operations of living workspaces are kept.
    pub keep_operations: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self {
            every: Duration::from_secs(600),
            delete: false,
            delete_after: days(1),
            keep_deleted: days(90),
            keep_operations: days(90),
        }
    }
}

/// Runs the jobs that sweep.
pub struct Sweeper(pub Arc<Provisioning>);

#[async_trait]
impl Handler for Sweeper {
    fn kind(&self) -> &'static str {
        SWEEP_JOB
    }

    async fn run(&self, job: &Job, shutdown: &CancellationToken) -> Result<Left, Failed> {
        let settings = &self.0.settings.sweep;
        let swept = if job.key == HOUSE {
            house::sweep(&self.0, job, shutdown).await
        } else if let Some(provider) = self.0.providers.get(&job.key) {
            let pass = Pass {
                provisioning: &self.0,
                provider: &**provider,
                job,
                shutdown,
            };
            pass.run().await
        } else {
            // Another replica may be configured with it.
            Ok(())
        };
        let how = match swept {
            Ok(()) => Release::Pace(settings.every),
            Err(Halt::Fenced) => return Ok(Left::Fenced),
            Err(Halt::Cancelled) => Release::HandBack,
            Err(Halt::Store(error)) => return Err(error.into()),
            Err(Halt::Error(error)) => {
                tracing::warn!(account = job.key, %error, "the sweep could not be finished");
                let soon = settings.every.min(SOON);
                Release::Pace(match error.class {
                    Class::Throttled(Some(after)) => after.max(soon),
                    _ => soon,
                })
            }
        };
        let mut transaction = self.0.db.begin().await?;
        if !lease::hold(&mut transaction, job).await? {
            return Ok(Left::Fenced);
        }
        lease::release(&mut transaction, job, how).await?;
        transaction.commit().await?;
        Ok(Left::Released(match how {
            Release::Pace(delay) => Some(delay),
            _ => None,
        }))
    }
}
