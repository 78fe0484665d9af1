//! What protects the work where something goes wrong that seldom does: one test for each defence, which fails where the
//! defence is not there. `tests/mutants.toml` takes them out. Those that take minutes to run into are lists of the
//! simulation.

mod leases;
mod outside;
mod tokens;
mod workers;

use crate::support::{PATIENCE, TestApp};
use simulator::Call;
use std::time::{Duration, Instant};

/// Waits until such a call has arrived so many times.
async fn arrived(app: &TestApp, call: Call, times: usize) {
    let until = Instant::now() + PATIENCE;
    while count(app, call) < times {
        assert!(
            Instant::now() < until,
            "{call:?} did not come {times} times"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How often such a call has arrived.
fn count(app: &TestApp, call: Call) -> usize {
    let arrivals = app.simulator.arrivals();
    arrivals.iter().filter(|it| it.call == call).count()
}

/// Waits until the first such call has had its effect.
async fn acted(app: &TestApp, call: Call) {
    let until = Instant::now() + PATIENCE;
    let first = || {
        app.simulator
            .arrivals()
            .into_iter()
            .find(|it| it.call == call)
    };
    while !first().is_some_and(|it| it.acted) {
        assert!(Instant::now() < until, "{call:?} had no effect");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
