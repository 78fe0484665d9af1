//! What befalls a fleet: a seed decides what comes next, whom it strikes and for how long.

use super::figures::Figures;
use super::fleet::{Fleet, LEASE, held, taken_over};
use super::in_flight::{KINDS, SLOW, holder};
use crate::support::TestApp;
use crate::support::variants::outside;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use simulator::postgres::Postgres;
use simulator::{Fault, FaultKind};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// `kill -9`, and a new process a while later.
    Kill,
    /// SIGSTOP for two leases, then SIGCONT.
    Freeze,
    /// Postgres is stopped at once, and started again a while later.
    PostgresStops,
    /// Every connection of the service is ended by the server.
    Cut,
    /// There is no connection left to be had.
    Exhaust,
    /// SIGTERM while a call is in flight, by its place in [`KINDS`]; and a new process.
    Terminate(usize),
}

/// The order of troubles of a seed: each of them early, then anything, kills most.
pub struct Order {
    rng: StdRng,
    first: Vec<Trouble>,
    terminated: usize,
}

impl Order {
    /// That of this seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let terminated = rng.random_range(0..KINDS.len());
        let mut first = vec![
            Trouble::Freeze,
            Trouble::PostgresStops,
            Trouble::Cut,
            Trouble::Exhaust,
            Trouble::Terminate(terminated),
        ];
        first.shuffle(&mut rng);
        // And somebody is killed between any two of them.
        let kills = std::iter::repeat(Trouble::Kill);
        let first = first
            .into_iter()
            .zip(kills)
            .flat_map(|(it, kill)| [kill, it]);
        Self {
            rng,
            first: first.collect(),
            terminated,
        }
    }
}

impl Iterator for Order {
    type Item = Trouble;

    fn next(&mut self) -> Option<Trouble> {
        if let Some(trouble) = self.first.pop() {
            return Some(trouble);
        }
        Some(match self.rng.random_range(0..20) {
            0..11 => Trouble::Kill,
            11..13 => Trouble::Freeze,
            13..14 => Trouble::PostgresStops,
            14..15 => Trouble::Cut,
            15..16 => Trouble::Exhaust,
            _ => {
                // Each kind has its turn.
                self.terminated += 1;
                Trouble::Terminate(self.terminated % KINDS.len())
            }
        })
    }
}

/// Who makes trouble.
pub struct Troublemaker<'a> {
    pub app: &'a TestApp,
    pub fleet: &'a mut Fleet,
    pub postgres: &'a mut Postgres,
    pub figures: &'a Mutex<Figures>,
    pub rng: StdRng,
}

impl Troublemaker<'_> {
    /// Makes one trouble and ends it.
    pub async fn make(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Kill => self.kill().await,
            Trouble::Freeze => self.freeze().await,
            Trouble::PostgresStops => self.stop_postgres().await,
            Trouble::Cut => {
                cut(&self.app.database_url).await;
                self.count(|it| it.cuts += 1);
            }
            Trouble::Exhaust => {
                let seconds = self.rng.random_range(2..5);
                exhaust(&self.app.database_url, Duration::from_secs(seconds)).await;
                self.count(|it| it.exhaustions += 1);
            }
            Trouble::Terminate(kind) => self.terminate(kind).await,
        }
    }

    fn count(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A replica, if possible one that holds something at this moment.
    async fn anybody(&mut self) -> usize {
        let k = self.rng.random_range(0..self.fleet.size());
        let owner = self.fleet.replica(k).owner;
        let until = Instant::now() + Duration::from_secs(2);
        while held(self.app, owner).await.is_empty() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        k
    }

    async fn kill(&mut self) {
        let k = self.anybody().await;
        let replica = self.fleet.replica(k);
        let (owner, since) = (replica.owner, Instant::now());
        replica.process.kill();
        // Read afterwards: this is what it held when it died.
        let jobs = held(self.app, owner).await;
        let at_work = !jobs.is_empty();
        let away = Duration::from_millis(self.rng.random_range(0..4000));
        let back = async {
            tokio::time::sleep(away).await;
            self.fleet.restart(self.app, k).await;
        };
        let (recovery, ()) = tokio::join!(taken_over(self.app, jobs, since), back);
        self.count(|it| {
            it.kills += 1;
            it.kills_at_work += u32::from(at_work);
            it.recoveries.extend(recovery);
        });
    }

    async fn freeze(&mut self) {
        let k = self.anybody().await;
        let replica = self.fleet.replica(k);
        let (owner, since) = (replica.owner, Instant::now());
        replica.process.signal("STOP");
        let jobs = held(self.app, owner).await;
        let (_, ()) = tokio::join!(
            taken_over(self.app, jobs, since),
            tokio::time::sleep(2 * LEASE)
        );
        self.fleet.replica(k).process.signal("CONT");
        self.count(|it| it.freezes += 1);
    }

    async fn stop_postgres(&mut self) {
        self.postgres.stop_immediate().await.expect("it stops");
        let away = Duration::from_millis(self.rng.random_range(300..4000));
        tokio::time::sleep(away).await;
        self.postgres.restart().await.expect("it starts");
        self.count(|it| it.postgres_stops += 1);
    }

    /// Holds a call of that kind, tells the replica that sent it to stop, and starts another in its place.
    async fn terminate(&mut self, kind: usize) {
        let (name, call) = KINDS[kind];
        let call = outside(self.app.cloud, call)[0];
        let hold = match self.rng.random_bool(0.5) {
            true => FaultKind::HoldRequest,
            false => FaultKind::HoldAnswer,
        };
        let simulator = &self.app.simulator;
        let mut holds = simulator.holds();
        holds.mark_unchanged();
        // The first that fits strikes.
        simulator.clear_fault(FaultKind::Slow);
        simulator.fault(Fault::new(hold).on(call));
        slow(self.app);
        let came = tokio::time::timeout(Duration::from_secs(15), holds.changed()).await;
        let sender = match came {
            Ok(_) => holder(self.app, hold).await,
            Err(_) => None,
        };
        simulator.clear_fault(hold);
        if let Some(k) = sender.and_then(|owner| self.fleet.of_owner(owner)) {
            let took = self.fleet.terminate(self.app, k).await;
            self.fleet.restart(self.app, k).await;
            self.count(|it| {
                *it.terminations.entry(name).or_default() += 1;
                it.longest_stop = it.longest_stop.max(took);
            });
        }
        self.app.simulator.release();
    }
}

/// Some calls take a while, so that something is always in flight.
pub fn slow(app: &TestApp) {
    for (call, seconds) in SLOW {
        for &call in outside(app.cloud, call) {
            let slow = Fault::new(FaultKind::Slow).on(call);
            app.fault(slow.times(0).seconds(seconds));
        }
    }
}

/// A connection of the test's own.
async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("it answers")
}

const CUT: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'brickyard'";

/// Ends all connections of the service; how many.
pub async fn cut(url: &str) -> i64 {
    let mut admin = connect(url).await;
    let cut = sqlx::query_scalar(CUT).fetch_one(&mut admin);
    cut.await.expect("they are ended")
}

/// Connections that are asked for at a time.
const BATCH: usize = 16;

/// Takes every connection that the server has to give, those of the service too, and keeps them for so long.
pub async fn exhaust(url: &str, long: Duration) {
    let (server, database) = url.rsplit_once('/').expect("it names a database");
    let elsewhere = format!("{server}/postgres");
    let mut admin = connect(&elsewhere).await;
    let open = |open: bool| format!("alter database {database} allow_connections {open}");
    // Whoever is quick would get one of its own back: nobody is let in until there is none left.
    for statement in [open(false), CUT.to_owned()] {
        let done = sqlx::query(AssertSqlSafe(statement)).execute(&mut admin);
        done.await.expect("a superuser may");
    }
    let mut hoard = Vec::new();
    loop {
        let batch = join_all((0..BATCH).map(|_| PgConnection::connect(&elsewhere))).await;
        let refused = batch.iter().any(Result::is_err);
        hoard.extend(batch.into_iter().flatten());
        if refused {
            break;
        }
    }
    let opened = sqlx::query(AssertSqlSafe(open(true))).execute(&mut admin);
    opened.await.expect("a superuser may");
    tokio::time::sleep(long).await;
}
