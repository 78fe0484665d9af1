//! The fault matrix: what has to come of every call that a step declares, whatever befalls it.
//!
//! Its rows are the kinds of calls, its columns what can go wrong, its cells what has to come of it (`table`, and for some
//! calls `exceptions`). The cells that can occur are found by walking the plan (`cells`); each is played alone, twice in a
//! row, and with a cancel while it recovers (`play`, `strike`), and held against what its outcome requires (`judge`). So a
//! step added tomorrow is covered today, if it says what it sends; if it does not, a test here says so. `docs/faults.md`
//! is made of the same table.

mod cells;
mod exceptions;
mod judge;
mod page;
mod play;
mod strike;
mod table;

use crate::support::variants::{self, Wire};
use cells::Cell;
use exceptions::EXCEPTIONS;
use futures_util::{FutureExt, StreamExt};
use simulator::Call;
use std::any::Any;
use std::collections::BTreeSet;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use table::Row;

/// Worlds at a time: two cores are enough for what mostly waits.
const AT_A_TIME: usize = 8;

/// `MATRIX` narrows the cells down to those whose words contain it.
fn wanted(cell: &Cell) -> bool {
    std::env::var("MATRIX").is_ok_and(|part| cell.words().contains(&part))
        || std::env::var_os("MATRIX").is_none()
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&it| it.to_owned()));
    text.unwrap_or_default()
}

/// Past the test harness, which would swallow it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Plays all cells of a row, and names every one that does not hold.
async fn row(row: Row) {
    let cells: Vec<Cell> = cells::of(row).await.into_iter().filter(wanted).collect();
    let total = cells.len();
    let failed: Vec<String> = futures_util::stream::iter(cells)
        .map(|cell| async move {
            let played = AssertUnwindSafe(play::play(&cell)).catch_unwind().await;
            let panic = played.err()?;
            let told = format!("{}\n    {}", cell.words(), words(&*panic));
            say(&told);
            Some(told)
        })
        .buffer_unordered(AT_A_TIME)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(total > 0 || std::env::var_os("MATRIX").is_some());
    say(&format!(
        "{total} cells of {}, each in three ways",
        row.title()
    ));
    assert!(
        failed.is_empty(),
        "{} of {total} cells do not hold:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_of_every_create() {
    row(Row::Create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_of_every_wait() {
    row(Row::Wait).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_of_every_put() {
    row(Row::Put).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_of_every_mint() {
    row(Row::Mint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_of_every_delete() {
    row(Row::Delete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_of_every_wait_at_the_store() {
    row(Row::StoreWait).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_of_every_put_at_the_store() {
    row(Row::StorePut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_of_every_delete_at_the_store() {
    row(Row::StoreDelete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_declared_and_what_is_declared_is_sent() {
    let lives = cells::lives().await;
    for (variant, life) in lives {
        let steps = variant.all_steps();
        let declared: BTreeSet<Call> = steps
            .flat_map(|step| step.calls().iter().map(|call| (step.name(), *call)))
            .flat_map(|(step, call)| variants::wires(variant, step, call))
            .map(|wire| wire.call)
            .collect();
        let sent = life.calls();
        let undeclared: Vec<&Call> = sent.difference(&declared).collect();
        assert!(
            undeclared.is_empty(),
            "{}: no step says that it sends {undeclared:?}",
            variant.name
        );
    }
    for (variant, _) in lives {
        for step in variant.all_steps() {
            for call in step.calls() {
                let wires = variants::wires(variant, step.name(), *call);
                let is_sent = |wire: &Wire| {
                    lives
                        .iter()
                        .any(|(_, life)| life.ways().iter().any(|calls| wire.is_in(calls)))
                };
                assert!(
                    wires.iter().all(is_sent),
                    "{} says that it sends {}, and never does",
                    step.name(),
                    call.as_str()
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exception_is_one() {
    let mut cells = Vec::new();
    for row in Row::ALL {
        cells.extend(cells::of(row).await);
    }
    for it in EXCEPTIONS {
        for trouble in it.troubles {
            let cell = cells.iter().find(|cell| {
                (cell.step, cell.wire.call, cell.way, cell.trouble)
                    == (it.step, it.call, it.way, *trouble)
                    && it.is_at(&cell.variant)
            });
            let cell = cell.unwrap_or_else(|| panic!("{} of {} never occurs", it.call, it.step));
            assert_ne!(
                cell.outcome,
                table::outcome(Row::of(cell.call), *trouble),
                "{} of {} is like the others",
                it.call,
                it.step
            );
        }
    }
}
