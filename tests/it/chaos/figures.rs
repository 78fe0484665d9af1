//! What was done in a run and what came of it, for people.

use super::fleet::LEASE;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The figures of one run.
#[derive(Debug, Default)]
pub struct Figures {
    /// `kill -9`.
    pub kills: u32,
    /// Of them, those that struck somebody who held something.
    pub kills_at_work: u32,
    /// From a kill until the last job of the killed had been taken by another.
    pub recoveries: Vec<Duration>,
    /// Frozen for two leases.
    pub freezes: u32,
    /// Postgres stopped at once, and started again.
    pub postgres_stops: u32,
    /// All connections of the service ended by the server.
    pub cuts: u32,
    /// No connection left to be had.
    pub exhaustions: u32,
    /// SIGTERM, by the kind of call that was in flight.
    pub terminations: BTreeMap<&'static str, u32>,
    /// The longest from SIGTERM to the end.
    pub longest_stop: Duration,
    /// Workspaces asked for.
    pub asked: u32,
    /// Creates that ended well.
    pub ready: u32,
    /// Updates that ended well.
    pub tagged: u32,
    /// Removals that ended well.
    pub deleted: u32,
    /// Creates that were cancelled, or ended by a removal.
    pub cancelled: u32,
    /// Requests that were sent again because no answer came, or a 503.
    pub repeated: u32,
    /// What stood as `needs_attention` and was told to go on.
    pub parked: Vec<String>,
    /// What should not have been answered, or have ended so.
    pub wrong: Vec<String>,
    /// Workspaces made at Databricks beyond the first for one request.
    pub doubles: usize,
}

impl Figures {
    /// The longest from a kill to the last job taken over.
    pub fn longest_recovery(&self) -> Duration {
        self.recoveries.iter().copied().max().unwrap_or_default()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  {} kills survived, {} of them at work; the longest recovery {:.1} s, with a lease of {} s",
            self.kills,
            self.kills_at_work,
            self.longest_recovery().as_secs_f64(),
            LEASE.as_secs()
        )?;
        writeln!(
            f,
            "  {} freezes, {} stops of Postgres, {} cuts of all connections, {} times none left",
            self.freezes, self.postgres_stops, self.cuts, self.exhaustions
        )?;
        let terminations: u32 = self.terminations.values().sum();
        let kinds: Vec<String> = self
            .terminations
            .iter()
            .map(|(kind, times)| format!("{kind} {times}"))
            .collect();
        writeln!(
            f,
            "  {terminations} SIGTERMs with a call in flight ({}); the longest stop {:.1} s",
            kinds.join(", "),
            self.longest_stop.as_secs_f64()
        )?;
        writeln!(
            f,
            "  {} workspaces asked for: {} ready, {} cancelled, {} updates, {} removals; {} requests sent again, {} parked",
            self.asked,
            self.ready,
            self.cancelled,
            self.tagged,
            self.deleted,
            self.repeated,
            self.parked.len()
        )?;
        write!(f, "  {} doubles", self.doubles)
    }
}
