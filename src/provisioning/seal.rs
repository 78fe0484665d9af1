//! The sealer: chains the audit rows that no seal covers yet, and logs the head, so that it is noted where whoever
//! alters the database does not get at it. One job that re-enqueues itself; its lease is the election. It is not part
//! of the transactions that write the rows: they would wait for each other.

use super::{Provisioning, SEAL_JOB};
use crate::domain::seal::{Hash, Head, seal};
use crate::queue::Job;
use crate::queue::lease::{self, Release};
use crate::queue::worker::{Failed, Handler, Left};
use crate::store::seals;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Rows that are sealed in one transaction.
const BATCH: i64 = 500;

/// There is one chain, and so one job.
pub const KEY: &str = "audit";

/// Runs the job that seals.
pub struct Sealer(pub Arc<Provisioning>);

#[async_trait]
impl Handler for Sealer {
    fn kind(&self) -> &'static str {
        SEAL_JOB
    }

    async fn run(&self, job: &Job, shutdown: &CancellationToken) -> Result<Left, Failed> {
        loop {
            match self.batch(job, shutdown).await? {
                Batch::More => {}
                Batch::Last(due) => return Ok(Left::Released(due)),
                Batch::Fenced => return Ok(Left::Fenced),
            }
        }
    }
}

enum Batch {
    /// Sealed; there may be more.
    More,
    /// The job was released and is due again after this.
    Last(Option<Duration>),
    /// Somebody else seals.
    Fenced,
}

impl Sealer {
    /// One transaction: seals as many rows as it may, and releases the job unless there are more.
    async fn batch(&self, job: &Job, shutdown: &CancellationToken) -> Result<Batch, Failed> {
        let mut transaction = self.0.db.begin().await?;
        // Held until the end: whoever takes the job over waits for what is written here, or never sees it.
        if !lease::hold(&mut transaction, job).await? {
            return Ok(Batch::Fenced);
        }
        let rows = seals::unsealed(&mut transaction, BATCH).await?;
        let mut head = None;
        if !rows.is_empty() {
            let end = seals::end(&mut transaction).await?;
            let sealed_at = Some(end.now.timestamp_micros());
            let first = end.head.map_or(1, |head| head.position + 1);
            let mut hash = end.head.map_or(Hash::BEGINNING, |head| head.hash);
            let mut new = Vec::with_capacity(rows.len());
            for row in &rows {
                hash = seal(hash, row, sealed_at);
                new.push((row.seq, hash));
            }
            seals::append(&mut transaction, first, &new, end.now).await?;
            let position = first - 1 + i64::try_from(rows.len())?;
            head = Some(Head { position, hash });
        }
        let more = i64::try_from(rows.len())? == BATCH;
        let every = self.0.settings.seal_every;
        let batch = match (more, shutdown.is_cancelled()) {
            (true, false) => {
                lease::progress(&mut transaction, job).await?;
                Batch::More
            }
            (true, true) => {
                lease::release(&mut transaction, job, Release::HandBack).await?;
                Batch::Last(None)
            }
            (false, _) => {
                lease::release(&mut transaction, job, Release::Pace(every)).await?;
                Batch::Last(Some(every))
            }
        };
        transaction.commit().await?;
        if let Some(head) = head {
            tracing::info!(rows = rows.len(), %head, "audit.sealed");
        }
        Ok(batch)
    }
}
