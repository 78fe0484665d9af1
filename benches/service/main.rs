//! `make bench`: what the service costs beside what the same work costs without it.
//!
//! Every figure that could depend on the machine stands beside a bound taken in the same run, the two interleaved, and
//! is read as their ratio: [`requests`] beside a bare axum service with the same SQL, [`jobs`] beside the bare
//! statements, [`workspaces`] beside the time of the simulated cloud, [`restart`] beside the observer's tick and one
//! list. Statements, commits and calls are counted, not timed. The throwaway Postgres does not flush to disk, which makes
//! every ratio worse than it is in production, where both sides wait for the same flush.
//!
//! An argument runs one part: `make bench PART=jobs`. [`restart`], which takes minutes, runs only so; `IN_FLIGHT=1000`
//! makes it smaller.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench stands outside: it reads the clock, prints its table, and stops at the first surprise"
)]

mod bare;
mod fleet;
mod jobs;
mod load;
mod process;
mod requests;
mod restart;
mod table;
mod workspaces;
mod world;

use std::time::Instant;
use table::Table;
use world::World;

#[tokio::main]
async fn main() {
    let part = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    let began = Instant::now();
    let mut table = Table::new();
    // It takes minutes: only for whoever asks for it.
    if part.as_deref() == Some("restart") {
        restart::run(&mut table).await;
    } else {
        parts(&mut table, part.as_deref()).await;
    }
    println!("{table}");
    println!(
        "Load average {}; {:.0} s in all.",
        world::load_average(),
        began.elapsed().as_secs_f64()
    );
}

async fn parts(table: &mut Table, part: Option<&str>) {
    let wanted = |name: &str| part.is_none_or(|part| part == name);
    let world = World::start().await;
    if wanted("requests") {
        requests::run(&world, table).await;
    }
    if wanted("jobs") {
        jobs::run(&world, table).await;
    }
    if wanted("workspaces") {
        workspaces::run(&world, table).await;
    }
}
