//! All workers die with many workspaces in flight, and three start anew. `make bench PART=restart` is the same with
//! 10,000 and real processes, and measures.

use crate::support::mortal::Mortal;
use crate::support::{Builder, PATIENCE, TestApp};
use futures_util::future::join_all;
use simulator::{Arrival, Call};
use std::time::{Duration, Instant};

/// More than the slots of three workers, and than the account may be asked in a second.
const IN_FLIGHT: usize = 120;

/// What the account may be asked in a second, as the test configuration says.
const PER_SECOND: f64 = 100.0;

/// Calls may arrive closer to each other than they were let go: a tenth of a second's worth.
const JITTER: f64 = 10.0;

#[tokio::test(flavor = "multi_thread")]
async fn many_in_flight_survive_all_workers() {
    // Nothing runs before the test says so.
    let app = Builder {
        workers: 0,
        speed: 1.0,
        ..Builder::default()
    }
    .start()
    .await;
    let workers = three(&app);
    let names: Vec<String> = (0..IN_FLIGHT).map(|n| format!("survivor-{n}")).collect();
    let operations = join_all(names.iter().map(|name| app.create(name))).await;
    waiting(&app).await;
    for worker in workers {
        worker.kill().await;
    }
    let begun = app.simulator.arrivals().len();
    let workers = three(&app);
    listed(&app, begun).await;

    // Nothing changes: one list a tick, whatever their number, and no other call.
    let (quiet, began) = (app.simulator.arrivals().len(), Instant::now());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let arrivals = app.simulator.arrivals();
    let calls: Vec<_> = account(&arrivals[quiet..]).map(|it| it.call).collect();
    let ticks = began
        .elapsed()
        .div_duration_f64(app.app.provisioning.observe_fast);
    assert!(
        !calls.is_empty() && calls.len() as f64 <= ticks + 2.0,
        "{calls:?}"
    );
    assert!(
        calls.iter().all(|it| *it == Call::ListWorkspaces),
        "{calls:?}"
    );

    // All of them at once.
    app.simulator.advance(Duration::from_secs(480));
    for operation in &operations {
        let done = app.done(operation).await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
    }
    let arrivals = app.simulator.arrivals();
    let created = |it: &&Arrival| it.call == Call::CreateWorkspace;
    assert_eq!(arrivals.iter().filter(created).count(), IN_FLIGHT);
    let polled = |it: &Arrival| it.call == Call::GetWorkspace;
    assert!(
        !arrivals.iter().any(polled),
        "no workspace is asked for by itself"
    );
    not_too_often(&arrivals[begun..]);
    for worker in workers {
        worker.stopped().await;
    }
    app.finish().await;
}

fn three(app: &TestApp) -> Vec<Mortal> {
    (0..3).map(|_| Mortal::start(app)).collect()
}

/// Waits until Databricks builds all of them.
async fn waiting(app: &TestApp) {
    let until = Instant::now() + PATIENCE;
    let step = "select count(*) from operations
                 where plan[position + 1] = 'await_running' and waiting_for is not null";
    loop {
        let waiting: i64 = sqlx::query_scalar(step)
            .fetch_one(&app.db)
            .await
            .expect("a count");
        if usize::try_from(waiting) == Ok(IN_FLIGHT) {
            return;
        }
        assert!(Instant::now() < until, "{waiting} of {IN_FLIGHT} wait");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until somebody watches the account again.
async fn listed(app: &TestApp, since: usize) {
    let until = Instant::now() + PATIENCE;
    while account(&app.simulator.arrivals()[since..]).next().is_none() {
        assert!(Instant::now() < until, "nobody watches");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn account(arrivals: &[Arrival]) -> impl Iterator<Item = &Arrival> {
    arrivals
        .iter()
        .filter(|it| it.path.starts_with("/api/2.0/accounts/"))
}

/// Three processes have one bucket's worth together: a second's calls at once, and what is gained meanwhile.
fn not_too_often(arrivals: &[Arrival]) {
    let (mut left, mut filled) = (PER_SECOND, 0);
    for call in account(arrivals) {
        let gained = call.at.saturating_sub(filled) as f64 / 1000.0 * PER_SECOND;
        left = (left + gained).min(PER_SECOND) - 1.0;
        filled = filled.max(call.at);
        assert!(left >= -JITTER, "call {} was over the limit", call.sequence);
    }
}
