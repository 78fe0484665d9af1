//! Replicas are replaced one after the other while clients ask for workspaces and remove them.

use super::previous;
use crate::chaos::figures::Figures;
use crate::chaos::fleet::{self, Fleet};
use crate::chaos::load::Load;
use crate::chaos::troubles::slow;
use crate::chaos::{doubles, say};
use crate::checker::{Violation, check};
use crate::support::check::settled_within;
use crate::support::process::PRESENT;
use crate::support::{Builder, PATIENCE, simulate};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A workspace takes one and a half to two and a half seconds.
const SPEED: f64 = 200.0;

/// Between two replacements.
const PAUSE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn replicas_replaced_one_after_the_other_lose_and_double_nothing() {
    let test = "replicas_replaced_one_after_the_other_lose_and_double_nothing";
    let Some(previous) = previous(test) else {
        return;
    };
    let app = Builder {
        workers: 0,
        simulator: Some(simulate(SPEED).await),
        tune: fleet::tune,
        ..Builder::default()
    };
    let app = app.start().await;
    slow(&app);
    let mut fleet = Fleet::start_program(previous.program.clone(), &app, "all", &[0, 0, 0]).await;
    let figures = Mutex::new(Figures::default());
    let load = Load {
        app: &app,
        addresses: fleet.addresses(),
        figures: &figures,
        seed: 1,
        // The version before knows none.
        updates: false,
    };
    // Forward, and one of them back.
    let present = PathBuf::from(PRESENT);
    let replacements = [
        (0, &present),
        (1, &present),
        (2, &present),
        (0, &previous.program),
    ];
    let rolling = async {
        for (k, program) in replacements {
            tokio::time::sleep(PAUSE).await;
            fleet.terminate(&app, k).await;
            fleet.roll_to(program);
            fleet.restart(&app, k).await;
        }
        tokio::time::sleep(PAUSE).await;
    };
    tokio::select! {
        () = load.run() => unreachable!("it goes on for ever"),
        () = rolling => {}
    }

    app.simulator.clear_faults();
    settled_within(&app, PATIENCE).await;
    let found = check(&app.evidence().await);
    let found: Vec<String> = found.iter().map(Violation::to_string).collect();
    assert!(found.is_empty(), "{found:#?}");
    load.remove_all().await;
    settled_within(&app, PATIENCE).await;
    let mut figures = figures.into_inner().unwrap_or_else(PoisonError::into_inner);
    figures.doubles = doubles(&app);
    say(&format!(
        "rolling, of {} requests: {figures}",
        figures.asked
    ));
    assert!(figures.wrong.is_empty(), "{:#?}", figures.wrong);
    assert!(figures.parked.is_empty(), "{:#?}", figures.parked);
    assert!(figures.ready > 10, "too little to show anything");
    assert_eq!(figures.doubles, 0);
    let left = app.simulator.inventory();
    assert!(left.is_empty(), "{left:#?}");
    fleet.end(&app).await;
    app.finish().await;
}
