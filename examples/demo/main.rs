//! `make demo`: Brickyard at work, watched from outside.
//!
//! Starts `brickyard dev --json` (the product in a simulated world), then does what a CI job would do: gets a token
//! from its issuer, asks for a workspace, follows the operation, uses the delivered secret. Then it asks for one that
//! fails, reads the explanation and sees that it was undone. All it knows of the service is the line the service
//! prints and its HTTP API. Any deviation ends it with a sentence and exit status 1.
//!
//!     cargo run --example demo [-- path/to/brickyard]

#![expect(
    clippy::disallowed_methods,
    reason = "a client of the service, not a part of it: it has its own HTTP client and reads NO_COLOR"
)]

mod client;
mod job;
mod outside;
mod service;
mod show;

use anyhow::{Result, ensure};
use client::Client;
use job::Job;
use outside::Outside;
use service::Service;
use show::Screen;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

/// Longest run; usually it is far below.
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> ExitCode {
    let began = Instant::now();
    let mut screen = Screen::new();
    let mut service = None;
    let mut result = tokio::select! {
        result = run(&mut screen, &mut service, began) => result,
        () = tokio::time::sleep(LIMIT) => Err(anyhow::anyhow!("it was not finished after {} s", LIMIT.as_secs())),
        signal = interrupted() => Err(anyhow::anyhow!("interrupted by {signal}")),
    };
    if let Some(service) = service {
        let stopped = service.stop(result.is_err()).await;
        result = result.and(stopped);
    }
    match result {
        Ok(()) => {
            screen.line(&format!(
                "Everything is stopped, after {} in all.",
                show::seconds(began.elapsed())
            ));
            ExitCode::SUCCESS
        }
        Err(error) => {
            screen.failure(&format!("The demo did not go as it should: {error:#}."));
            ExitCode::FAILURE
        }
    }
}

async fn interrupted() -> &'static str {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}

async fn run(screen: &mut Screen, running: &mut Option<Service>, began: Instant) -> Result<()> {
    let service = running.insert(Service::start()?);
    let world = service.world().await?;
    let job = Job::start(Client::new()?, &world).await?;
    let ready = show::seconds(began.elapsed());
    screen.line(&format!(
        "Brickyard answers at {}, in a simulated world, after {ready}.",
        job.api
    ));
    let outside = Outside::of(&world)?;
    let at_first = outside.things().await?;
    let run_id = &Uuid::new_v4().simple().to_string()[..6];

    screen.heading("A workspace for a CI job");
    job.introduce(screen)?;
    let created = job.ask_for(screen, &format!("demo-{run_id}")).await?;
    let workspace = job.see_it_ready(screen, &created).await?;
    let secret = job.see_where_the_token_is(screen, &workspace).await?;
    job.use_the_token(screen, &secret).await?;
    let before = outside.things().await?;

    screen.heading("A workspace that fails");
    let name = format!("fault-workspace-fails-{run_id}");
    let created = job.ask_for(screen, &name).await?;
    let workspace = job.see_it_explained(screen, &created).await?;
    job.see_it_undone(screen, &created, &workspace).await?;
    let after = outside.things().await?;
    let odd = before.but_not_both(&after);
    ensure!(
        odd.is_empty(),
        "the failed workspace left something behind: {odd}"
    );
    screen.line("Nothing of it is left. What the simulated world holds is the first workspace's.");
    screen.field("left", &after.since(&at_first).count());
    screen.gap();
    Ok(())
}
