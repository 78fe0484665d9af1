//! The observer of an account: one list call per tick answers for all workspaces that Databricks is building, and
//! wakes only the jobs whose workspace changed. A job that re-enqueues itself; its lease is the election.

use super::step::Step;
use super::steps::AwaitRunning;
use super::{OBSERVE_JOB, OPERATION_JOB, Provisioning};
use crate::cloud::{Failure, UpstreamWorkspace};
use crate::queue::lease::{self, Release};
use crate::queue::worker::{Failed, Handler, Left};
use crate::queue::{Job, enqueue};
use crate::store::workspaces::{self, InFlight, Reading};
use async_trait::async_trait;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A workspace that is missing from the list is asked for by id, but not before it is this old: lists may lag.
const MISSING_AFTER_SECONDS: f64 = 60.0;

/// News of so many workspaces are one transaction: their rows are locked for as long as it takes.
const AT_ONCE: usize = 500;

/// Runs the jobs that watch accounts.
pub struct Observer(pub Arc<Provisioning>);

#[async_trait]
impl Handler for Observer {
    fn kind(&self) -> &'static str {
        OBSERVE_JOB
    }

    fn goes_ahead(&self) -> bool {
        true
    }

    async fn run(&self, job: &Job, _shutdown: &CancellationToken) -> Result<Left, Failed> {
        let settings = &self.0.settings;
        let mut connection = self.0.db.acquire().await?;
        let in_flight =
            workspaces::in_flight(&mut connection, &job.key, AwaitRunning.name()).await?;
        drop(connection);
        let Some(provider) = self
            .0
            .providers
            .get(&job.key)
            .filter(|_| !in_flight.is_empty())
        else {
            return self
                .release(job, Release::Rest(settings.observe_slow), &[])
                .await;
        };
        let started = Instant::now();
        let listed = match provider.list_workspaces().await {
            Ok(listed) => listed,
            Err(error) => {
                let pause = match error.failure {
                    Failure::Throttled(Some(after)) => after,
                    _ => settings.observe_slow,
                };
                tracing::warn!(account = job.key, %error, "cannot list workspaces");
                return self.release(job, Release::Pace(pause), &[]).await;
            }
        };
        let took = started.elapsed();
        let listed: HashMap<_, UpstreamWorkspace> =
            listed.into_iter().map(|w| (w.at.id.clone(), w)).collect();
        let mut news = Vec::new();
        for workspace in &in_flight {
            match listed.get(&workspace.external_id) {
                Some(seen) if workspace.workspace_status.as_deref() != Some(&seen.status) => {
                    news.push((workspace, seen.status.clone(), seen.status_message.clone()));
                }
                Some(_) => {}
                None if workspace.age_seconds < MISSING_AFTER_SECONDS => {}
                None => match provider.get_workspace(&workspace.external_id).await {
                    Ok(None) => news.push((
                        workspace,
                        "CANCELLED".into(),
                        "Databricks no longer knows it.".into(),
                    )),
                    Ok(Some(seen)) => news.push((workspace, seen.status, seen.status_message)),
                    Err(error) => {
                        tracing::warn!(workspace.id = %workspace.id, %error, "missing from the list")
                    }
                },
            }
        }
        tracing::debug!(
            account = job.key,
            in_flight = in_flight.len(),
            news = news.len(),
            "observed"
        );
        let oldest = in_flight.iter().map(|w| w.age_seconds).fold(0.0, f64::max);
        let fast = oldest >= settings.observe_fast_after.as_secs_f64();
        let tick = if fast {
            settings.observe_fast
        } else {
            settings.observe_slow
        };
        // Listing never takes more than a tenth of the time.
        self.release(job, Release::Pace(tick.max(took * 10)), &news)
            .await
    }
}

impl Observer {
    async fn release(
        &self,
        job: &Job,
        how: Release,
        news: &[(&InFlight, String, String)],
    ) -> Result<Left, Failed> {
        // In one order, should there be two observers for a while.
        let mut news: Vec<_> = news.iter().collect();
        news.sort_by_key(|(workspace, ..)| workspace.id.uuid());
        for some in news.chunks(AT_ONCE) {
            if !self.tell(job, some).await? {
                return Ok(Left::Fenced);
            }
        }
        let mut transaction = self.0.db.begin().await?;
        if !lease::hold(&mut transaction, job).await? {
            return Ok(Left::Fenced);
        }
        lease::release(&mut transaction, job, how).await?;
        transaction.commit().await?;
        Ok(Left::Released(match how {
            Release::Pace(delay) | Release::Rest(delay) => Some(delay),
            _ => None::<Duration>,
        }))
    }

    /// Writes some of the news and wakes whom they concern; `false` if the lease is lost. What a crash leaves out is news
    /// at the next tick.
    async fn tell(&self, job: &Job, news: &[&(&InFlight, String, String)]) -> Result<bool, Failed> {
        let reading = |(workspace, status, message): &&(&InFlight, String, String)| Reading {
            id: workspace.id,
            status: status.clone(),
            message: message.clone(),
        };
        let readings: Vec<_> = news.iter().map(reading).collect();
        let mut transaction = self.0.db.begin().await?;
        // Workspaces first, jobs second, like everybody.
        let told: HashSet<_> = workspaces::all_observed(&mut transaction, &readings)
            .await?
            .into_iter()
            .map(|id| id.uuid())
            .collect();
        let concerned = news
            .iter()
            .filter(|(workspace, ..)| told.contains(&workspace.id.uuid()));
        let woken: Vec<_> = concerned
            .map(|(workspace, ..)| workspace.operation.to_string())
            .collect();
        if !woken.is_empty() {
            enqueue::wake(&mut transaction, OPERATION_JOB, &woken).await?;
            enqueue::notify(&mut transaction).await?;
        }
        if !lease::hold(&mut transaction, job).await? {
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }
}
