//! The work: how an accepted request becomes a usable workspace, told once.
//!
//! [`request`] turns a checked request into rows: workspace, operation, job and audit row in one transaction, unless too
//! much waits already ([`admission`]). The
//! [`engine`] takes the operation's job under a lease and runs the next **step** of its [`plan`], one named step at a
//! time. A step ([`step`]) looks before it creates, never sleeps and never loops: what takes time is an outcome,
//! *wait*, and costs neither worker nor attempt. What it did is saved in one transaction with the job's release, the
//! **checkpoint**, fenced by the lease's epoch. A call that must not be repeated goes through [`once`]: a committed
//! permit first, and if the answer is lost, a look for the marker instead of a second call. [`observe`] watches the
//! workspaces Databricks is building, one list call per account and tick. A create that cannot be finished is
//! explained and, when its time has come, undone by a delete operation: the same steps, last first. A workspace with a
//! lifetime is deleted at its end ([`expire`]). What nobody waits for is found by the [`sweep`]: orphans, workspaces that
//! vanished, stray tokens, lost jobs, and what is not kept for ever. Whatever changes is told in the audit, in the
//! transaction of the change; a job of its own chains what was told ([`seal`]), and anybody can check the chain
//! ([`verify`]). The jobs that are always there are [`standing`].
//!
//! This room refuses to know HTTP, SQL (it calls `store` and `queue`) and any cloud's or store's wire.

pub mod admission;
pub mod context;
pub mod engine;
pub mod expire;
pub mod observe;
pub mod once;
pub mod plan;
pub mod request;
pub mod seal;
pub mod standing;
pub mod step;
pub mod steps;
pub mod sweep;
pub mod verify;

mod checkpoint;
mod count;
mod draft;
mod patience;

use crate::clock::Clock;
use crate::cloud::Provider;
use crate::secrets::SecretStore;
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Kind of the jobs that drive operations; their key is the operation's id.
pub const OPERATION_JOB: &str = "operation";

/// Kind of the jobs that watch accounts; their key is the account's name.
pub const OBSERVE_JOB: &str = "observe";

/// Kind of the jobs that end workspaces; their key is the workspace's id.
pub const EXPIRY_JOB: &str = "expiry";

/// Kind of the job that seals the audit; there is one.
pub const SEAL_JOB: &str = "seal";
/// Kind of the jobs that sweep; their key is the account's name, or [`sweep::HOUSE`].
pub const SWEEP_JOB: &str = "sweep";

/// Channel that is told the id of every operation that changed.
pub const OPERATIONS_CHANNEL: &str = "brickyard_operations";

/// Numbers of the work. Where a number is a guess about the vendor, it is here.
#[derive(Debug, Clone)]
pub struct Settings {
    /// First part of every marker: tells this installation's things from another's.
    pub instance: String,
    /// A create call gives up after this; the client of the account has the same time-out.
    pub create_timeout: Duration,
    /// A mint gives up after this; the client has the same time-out for every call that creates nothing.
    pub call_timeout: Duration,
    /// After a create call's deadline, lists must stay empty this long before it counts as never made.
    pub settle: Duration,
    /// A known passing refusal (a role that is not propagated) is waited out this long.
    pub not_yet_budget: Duration,
    /// A job that was acquired this often without reaching a checkpoint kills its process: it is parked.
    pub max_claims: i32,
    /// A store write is tried this long before the token is revoked.
    pub store_retry: Duration,
    /// Recording what a call has brought is tried this long while the database is away: as long as a lease.
    pub record_within: Duration,
    /// The observer's tick while something has been building for [`Self::observe_fast_after`].
    pub observe_fast: Duration,
    /// The observer's tick otherwise.
    pub observe_slow: Duration,
    /// Age from which a workspace may be finished any moment.
    pub observe_fast_after: Duration,
    /// Between two probes of a host that answers well.
    pub probe_gap: Duration,
    /// Between two looks at something that takes minutes.
    pub look_gap: Duration,
    /// Between two looks for audit rows that no seal covers.
    pub seal_every: Duration,
    /// The sweep.
    pub sweep: sweep::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            instance: "brickyard".into(),
            create_timeout: Duration::from_secs(60),
            call_timeout: Duration::from_secs(20),
            settle: Duration::from_secs(120),
            not_yet_budget: Duration::from_secs(300),
            max_claims: 5,
            store_retry: Duration::from_secs(20),
            record_within: Duration::from_secs(30),
            observe_fast: Duration::from_secs(1),
            observe_slow: Duration::from_secs(15),
            observe_fast_after: Duration::from_secs(180),
            probe_gap: Duration::from_millis(500),
            look_gap: Duration::from_secs(5),
            seal_every: Duration::from_secs(60),
            sweep: sweep::Settings::default(),
        }
    }
}

/// What the engine and the observer work with. Built once by `app`.
pub struct Provisioning {
    /// The database.
    pub db: PgPool,
    /// What a job's clock is set from.
    pub clock: Clock,
    /// Numbers.
    pub settings: Settings,
    /// Accounts by configured name.
    pub providers: HashMap<String, Arc<dyn Provider>>,
    /// Secret stores by configured name.
    pub stores: HashMap<String, Arc<dyn SecretStore>>,
}
