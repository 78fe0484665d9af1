//! A restart with many workspaces in flight: all workers are killed, three start anew, and then the vendor says RUNNING,
//! of all of them at once or over some seconds.
//!
//! The first workspace comes through the API and a worker. The others are copies of it, in the simulator and in the
//! rows: made one by one under an account's limit of 100 calls a second, 10,000 would take a quarter of an hour. The
//! numbers of the worker are production's. It ends when all are detected: what follows is bounded by that limit again.

use super::fleet::{Fleet, ONE_WAITS, nothing_is_overdue};
use super::load::{exchange, request};
use super::process::Process;
use super::table::{Table, quantile};
use super::world::{PER_SECOND, World};
use brickyard::dev::TEMPLATE;
use serde_json::json;
use simulator::{Arrival, Call};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::io::BufReader;
use tokio::net::TcpStream;
use uuid::Uuid;

/// The observer's tick while something may be finished any moment, in seconds.
const TICK: f64 = 1.0;
/// Longest a state may take to come.
const PATIENCE: Duration = Duration::from_secs(240);
/// For how long nothing changes, and for how long it is watched what follows.
const QUIET: Duration = Duration::from_secs(20);
const AFTER: Duration = Duration::from_secs(15);
/// Before this age no workspace runs, after the other all do; in simulated seconds, as the simulator draws them.
const SOONEST: u64 = 300;
const LATEST: u64 = 480;

#[expect(clippy::disallowed_methods, reason = "whoever measures says how many")]
pub(crate) async fn run(table: &mut Table) {
    let in_flight = std::env::var("IN_FLIGHT").map_or(10_000, |it| it.parse().unwrap());
    round(table, in_flight, 1, "at once").await;
    round(table, in_flight, 18, "within 18 s").await;
}

/// `steps` jumps of the simulator's clock, one a second, bring all of them to RUNNING.
async fn round(table: &mut Table, in_flight: usize, steps: u64, when: &str) {
    let world = World::in_production().await;
    let fleet = Fleet::new(&world, world.database("restart").await).await;
    first(&world, &fleet).await;
    fleet.multiply(in_flight - 1).await;
    let before = fleet.start(3).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    drop(before); // SIGKILL.

    let what = format!("{in_flight} in flight, restart");
    let (began, seen) = (Instant::now(), world.simulator.arrivals().len());
    let overdue = nothing_is_overdue(Uuid::now_v7());
    let processes = fleet.start(3).await;
    let dead = fleet.until(PATIENCE, &overdue).await;
    table.count(
        &what,
        "until nothing is overdue",
        (dead - began).as_secs_f64(),
        "s",
    );
    let (calls, work) = (world.simulator.arrivals().len(), fleet.transactions().await);
    tokio::time::sleep(QUIET).await;
    let arrivals = world.simulator.arrivals();
    let lists = arrivals[calls..]
        .iter()
        .filter(|it| it.call == Call::ListWorkspaces);
    let took = |it: &Arrival| Some((it.until? - it.at) as f64 / 1000.0);
    let mut lists: Vec<f64> = lists.filter_map(took).collect();
    let (list, number) = (quantile(&mut lists, 0.5), lists.len());
    let quiet = QUIET.as_secs_f64();
    table.beside(
        &what,
        "lists a second, nothing changes",
        number as f64 / quiet,
        1.0 / TICK,
        "/s",
    );
    let work = (fleet.transactions().await - work) as f64 / quiet;
    table.count(&what, "transactions a second, nothing changes", work, "/s");
    table.count(&what, "one list at the vendor, p50", list, "s");
    let idle: Vec<f64> = processes.iter().map(Process::peak_memory).collect();

    let what = format!("{in_flight} run {when}");
    let (mut delays, all) = detected(&world, &fleet, in_flight, steps).await;
    for (how, share) in [("p50", 0.5), ("p99", 0.99), ("most", 1.0)] {
        let how = format!("RUNNING to our row, {how}, beside tick and list");
        table.beside(&what, &how, quantile(&mut delays, share), TICK + list, "s");
    }
    table.count(
        &what,
        "from the last RUNNING until all are detected",
        all,
        "s",
    );
    let (passed, work) = (fleet.passed().await, fleet.transactions().await);
    tokio::time::sleep(AFTER).await;
    let (passed, work) = (
        fleet.passed().await - passed,
        fleet.transactions().await - work,
    );
    let after = AFTER.as_secs_f64();
    table.count(&what, "then go on, a second", passed as f64 / after, "/s");
    table.count(
        &what,
        "transactions a second meanwhile",
        work as f64 / after,
        "/s",
    );
    for (number, (process, idle)) in processes.iter().zip(idle).enumerate() {
        let how = format!("most memory of replica {}, beside before", number + 1);
        table.beside(&what, &how, process.peak_memory(), idle, "MiB");
    }
    let memory: f64 = processes.iter().map(Process::peak_memory).sum();
    table.count(
        &what,
        "memory of the three, each",
        memory * 1024.0 / in_flight as f64,
        "KiB",
    );
    let arrivals = &world.simulator.arrivals()[seen..];
    for seconds in [1, 10] {
        let how = format!("most account calls in {seconds} s, a second, beside limit and burst");
        let limit = PER_SECOND * (1.0 + 1.0 / seconds as f64);
        table.beside(
            &what,
            &how,
            busiest(arrivals, seconds) / seconds as f64,
            limit,
            "/s",
        );
    }
    let warned: usize = processes.iter().map(|it| it.lines_with("WARN")).sum();
    table.count(&what, "warnings in the logs", warned as f64, "");
}

/// The first workspace, as far as it comes before Databricks has built it.
async fn first(world: &World, fleet: &Fleet<'_>) {
    let process = Process::start(world, "all", &fleet.url, "warn").await;
    let stream = TcpStream::connect(process.address).await.unwrap();
    let body = json!({"name": "bench", "template": TEMPLATE}).to_string();
    let post = request("POST", "/workspaces", &world.token(), &body);
    exchange(&mut BufReader::new(stream), &post).await;
    fleet.until(PATIENCE, ONE_WAITS).await;
}

/// Lets them run; the delays until our rows say so, in seconds, and that of the whole.
async fn detected(
    world: &World,
    fleet: &Fleet<'_>,
    in_flight: usize,
    steps: u64,
) -> (Vec<f64>, f64) {
    let mut ran: HashMap<i64, Instant> = HashMap::new();
    let (mut delays, mut step) = (Vec::new(), 0);
    let begin = Instant::now();
    let until = begin + PATIENCE;
    let mut last = begin;
    while delays.len() < in_flight {
        assert!(
            Instant::now() < until,
            "{} of {in_flight} are detected",
            delays.len()
        );
        if step < steps && begin.elapsed().as_secs() >= step {
            step += 1;
            let first = if step == 1 { SOONEST } else { 0 };
            world
                .simulator
                .advance(Duration::from_secs(first + (LATEST - SOONEST) / steps));
            last = Instant::now();
            for workspace in world.simulator.inventory().workspaces {
                if workspace.status == "RUNNING" || step == steps {
                    ran.entry(workspace.id).or_insert(last);
                }
            }
        }
        for id in fleet.news().await {
            delays.push(ran.get(&id).map_or(0.0, |at| at.elapsed().as_secs_f64()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    (delays, last.elapsed().as_secs_f64())
}

/// The most calls to the account that arrived in so many seconds.
fn busiest(arrivals: &[Arrival], seconds: u64) -> f64 {
    let calls = arrivals
        .iter()
        .filter(|it| it.path.starts_with("/api/2.0/accounts/"));
    let mut times: Vec<u64> = calls.map(|it| it.at).collect();
    times.sort_unstable();
    let within = |from: &u64| times.partition_point(|at| *at < from + seconds * 1000);
    let counts = times
        .iter()
        .enumerate()
        .map(|(number, from)| within(from) - number);
    counts.max().unwrap_or(0) as f64
}
