//! The standing jobs: always there, whoever runs them. Every worker sees to it when it begins.

use super::{Provisioning, SEAL_JOB, SWEEP_JOB, seal, sweep};
use crate::queue::enqueue;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two tries.
const AGAIN: Duration = Duration::from_secs(5);

/// Enqueues the standing jobs that are not there, as soon as the database lets us. One that is there keeps its time.
pub async fn ensure(provisioning: &Provisioning, shutdown: &CancellationToken) {
    while let Err(error) = enqueue_all(provisioning).await {
        tracing::warn!(%error, "cannot enqueue the standing jobs; trying again");
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

async fn enqueue_all(provisioning: &Provisioning) -> sqlx::Result<()> {
    let mut connection = provisioning.db.acquire().await?;
    enqueue::enqueue(&mut connection, SEAL_JOB, seal::KEY, Duration::ZERO).await?;
    let accounts = provisioning.providers.keys().map(String::as_str);
    for key in accounts.chain([sweep::HOUSE]) {
        let delay = provisioning.settings.sweep.every;
        enqueue::enqueue(&mut connection, SWEEP_JOB, key, delay).await?;
    }
    Ok(())
}
