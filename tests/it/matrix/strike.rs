//! What strikes a call: a fault of the simulator; and what is done by hand while it is in flight: the process dies, is told to stop, loses its lease, or its database.

use super::play::{Mode, Play};
use super::table::{Outcome, Row, Trouble};
use crate::support::mortal::Mortal;
use crate::support::{TestApp, database};
use simulator::{Call, Fault};
use std::time::Duration;

/// The hand, and the workers that it ends.
pub struct Hand<'a> {
    app: &'a TestApp,
    workers: Vec<Mortal>,
}

/// What a worker does at once, it has done by then.
const A_MOMENT: Duration = Duration::from_millis(150);

impl<'a> Hand<'a> {
    pub fn new(app: &'a TestApp) -> Self {
        Self {
            app,
            workers: Vec::new(),
        }
    }

    pub fn start_worker(&mut self) {
        self.workers.push(Mortal::start(self.app));
    }

    /// While the call is held.
    pub async fn interfere(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::KilledBefore | Trouble::KilledAfter => {
                let victim = self.workers.pop().expect("a worker");
                victim.kill().await;
                self.leases("lease_expires_at = clock()").await;
            }
            Trouble::LeaseLost => {
                self.leases("lease_owner = null, lease_expires_at = null, run_at = clock()")
                    .await;
                self.start_worker();
            }
            Trouble::DatabaseLost => database::take_away(&self.app.database_url).await,
            Trouble::Stopped => {
                let worker = self.workers.last().expect("a worker");
                worker.ask_to_stop();
            }
            _ => {}
        }
    }

    /// What was held goes on, and who recovers begins.
    pub async fn go_on(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::KilledBefore | Trouble::KilledAfter => {
                self.app.simulator.release();
                self.start_worker();
            }
            // Only at the end: until then its successor works beside it.
            Trouble::LeaseLost => {}
            Trouble::DatabaseLost => {
                self.app.simulator.release();
                tokio::time::sleep(A_MOMENT).await;
                database::give_back(&self.app.database_url).await;
            }
            Trouble::Stopped => {
                tokio::time::sleep(A_MOMENT).await;
                self.app.simulator.release();
                self.workers.pop().expect("a worker").stopped().await;
                let held: i64 =
                    sqlx::query_scalar("select count(*) from jobs where lease_owner is not null")
                        .fetch_one(&self.app.db)
                        .await
                        .expect("a count");
                assert_eq!(held, 0, "who has stopped holds nothing");
                self.start_worker();
            }
            _ => {}
        }
    }

    /// Changes every lease that is held.
    async fn leases(&self, change: &str) {
        let update = format!("update jobs set {change} where lease_owner is not null");
        sqlx::query(sqlx::AssertSqlSafe(update))
            .execute(&self.app.db)
            .await
            .expect("the database answers");
    }

    /// Lets go of everything that is held, and stops all workers.
    pub async fn stop(self) {
        self.app.simulator.release();
        tokio::time::sleep(A_MOMENT).await;
        for worker in self.workers {
            worker.stopped().await;
        }
    }
}

impl Play<'_> {
    /// What strikes first.
    pub fn first(&self) -> Fault {
        let fault = self.fault_on(self.cell.wire.call);
        Fault {
            after: self.cell.wire.after,
            ..fault
        }
    }

    /// What strikes the recovery: the call itself if it is sent again, the look for what came of it if not.
    pub fn second(&self) -> Vec<Fault> {
        if self.mode != Mode::Twice {
            return Vec::new();
        }
        let looks = matches!(
            self.cell.outcome,
            Outcome::Finds | Outcome::Gone | Outcome::Knows
        );
        let mut second = match self.cell.outcome {
            Outcome::Finds => Vec::new(),
            _ => vec![self.first()],
        };
        if let Some(lookup) = self.cell.lookup.filter(|_| looks) {
            let fault = self.fault_on(lookup);
            second.push(fault.after(self.cell.wire.call));
        }
        second
    }

    pub fn fault_on(&self, call: Call) -> Fault {
        // What a step tries again by itself has to go on for longer.
        let tries = match (self.cell.outcome, Row::of(self.cell.call)) {
            (Outcome::Parks, Row::StorePut) => 4,
            _ => 1,
        };
        Fault::new(self.cell.trouble.fault()).on(call).times(tries)
    }

    pub fn arm(&self) {
        self.app.fault(self.first());
        // By hand, the second is armed when the first has come.
        if !self.cell.trouble.is_done_by_hand() {
            self.second().into_iter().for_each(|it| self.app.fault(it));
        }
    }
}
