//! Plays a cell: alone, twice in a row, and with a cancel while it recovers. One world, one workspace after the other.

use super::cells::{Cell, Way};
use super::judge::{self, Seen, brief};
use super::strike::Hand;
use super::table::{Outcome, Trouble};
use crate::support::steering::{ask, removal};
use crate::support::variants;
use crate::support::{Answer, Builder, PATIENCE, TestApp};
use futures_util::FutureExt;
use serde_json::Value;
use simulator::{Call, Fault, FaultKind};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

/// How a cell is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Alone,
    /// The same again while it recovers.
    Twice,
    /// Somebody cancels while it recovers. A removal cannot be cancelled: there it is the removal of a create that was.
    /// An update cannot either: there somebody removes the workspace.
    Cancelled,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::Alone, Self::Twice, Self::Cancelled];

    fn name(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::Twice => "twice",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Time-outs of the client of Databricks that are over before a test is. Elsewhere they stay long: what is done by hand
/// must not be overtaken by them.
const SHORT: &str = "[worker]\ncall_timeout_seconds = 2\n";

/// Plays a cell in every mode.
pub async fn play(cell: &Cell) {
    let short = cell.trouble == Trouble::AnswerLate;
    let builder = Builder {
        workers: 0,
        extra: if short { SHORT } else { "" }.into(),
        ..Builder::default()
    };
    let app = cell.variant.start_keeping(builder).await;
    for mode in Mode::ALL {
        let play = Play {
            app: &app,
            cell,
            mode,
            begin: app.simulator.arrivals().len(),
            made: variants::made(&app),
        };
        let played = AssertUnwindSafe(play.to_the_end()).catch_unwind().await;
        if let Err(panic) = played {
            panic!("{mode:?}: {}", super::words(&*panic));
        }
        app.simulator.clear_faults();
        let left = variants::left(&app);
        assert!(left.is_empty(), "{mode:?}: {left:#?}");
    }
    app.finish().await;
}

/// One cell in one mode.
pub struct Play<'a> {
    pub app: &'a TestApp,
    pub cell: &'a Cell,
    pub mode: Mode,
    /// Arrivals of the modes before.
    begin: usize,
    /// What was made in them.
    made: BTreeMap<String, u64>,
}

impl Play<'_> {
    async fn to_the_end(&self) {
        let mut hand = Hand::new(self.app);
        hand.start_worker();
        match self.cell.way {
            Way::There => self.there(&mut hand).await,
            Way::Changed => self.changed(&mut hand).await,
            Way::Back => self.back(&mut hand).await,
        }
        hand.stop().await;
    }

    /// It strikes while a workspace is made.
    async fn there(&self, hand: &mut Hand<'_>) {
        let (app, name) = (self.app, self.mode.name());
        self.arm();
        let create = app.create(name).await;
        self.until_struck(1).await;
        let asked = if self.cell.trouble.is_done_by_hand() {
            self.by_hand(hand, &create).await
        } else {
            self.cancel(&create).await
        };
        let end = self.followed(&create).await;
        let asked = asked.map(|it| it.status);
        match (end["status"].as_str(), asked) {
            (Some("cancelled"), Some(202)) => {
                let removal = app.done(&removal(app, &end).await).await;
                assert_eq!(removal["status"], "succeeded", "{}", brief(&removal));
            }
            (Some("succeeded"), None | Some(409)) => {
                self.judge(&end);
                app.removed(name).await;
            }
            (Some("failed"), None | Some(409)) => self.goes_on(&end).await,
            _ => panic!(
                "{:?}, asked to cancel: {asked:?}: {}",
                self.mode,
                brief(&end)
            ),
        }
    }

    /// It strikes while a workspace is changed.
    async fn changed(&self, hand: &mut Hand<'_>) {
        let (app, name) = (self.app, self.mode.name());
        app.ready(name).await;
        self.arm();
        let update = app.tag(name).await;
        self.until_struck(1).await;
        let asked = if self.cell.trouble.is_done_by_hand() {
            self.by_hand(hand, &update).await
        } else {
            self.cancel(&update).await
        };
        let end = self.followed(&update).await;
        if let Some(removal) = asked {
            let removal = app.done(&removal.body).await;
            assert_eq!(removal["status"], "succeeded", "{}", brief(&removal));
        } else if end["status"] == "failed" {
            self.goes_on(&end).await;
        } else {
            assert_eq!(end["status"], "succeeded", "{}", brief(&end));
            self.judge(&end);
            app.removed(name).await;
        }
    }

    /// It strikes while a workspace is removed.
    async fn back(&self, hand: &mut Hand<'_>) {
        let (app, name) = (self.app, self.mode.name());
        let delete = if self.mode == Mode::Cancelled {
            // Its create is stopped at its last call, so that there is everything to remove.
            app.fault(Fault::new(FaultKind::HoldAnswer).on(self.cell.last));
            let create = app.create(name).await;
            let until = Instant::now() + PATIENCE;
            while !self.calls().iter().any(|it| it.call == self.cell.last) {
                assert!(Instant::now() < until, "the last call never came");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            self.arm();
            assert_eq!(ask(app, &create, "cancel").await.status, 202);
            app.simulator.release();
            let end = app.done(&create).await;
            assert_eq!(end["status"], "cancelled", "{}", brief(&end));
            removal(app, &end).await
        } else {
            app.ready(name).await;
            self.arm();
            app.delete(&format!("/workspaces/{name}")).await.body
        };
        self.until_struck(1).await;
        if self.cell.trouble.is_done_by_hand() {
            self.by_hand(hand, &delete).await;
        }
        let end = self.followed(&delete).await;
        if end["status"] == "needs_attention" {
            self.goes_on(&end).await;
        } else {
            assert_eq!(end["status"], "succeeded", "{}", brief(&end));
            self.judge(&end);
        }
    }

    /// What is done by hand, once or twice. The answer to who cancelled meanwhile.
    async fn by_hand(&self, hand: &mut Hand<'_>, operation: &Value) -> Option<Answer> {
        let trouble = self.cell.trouble;
        // What is held acts before its answer is held.
        tokio::time::sleep(Duration::from_millis(60)).await;
        for second in self.second() {
            // What it comes after has come.
            self.app.fault(Fault {
                after: None,
                ..second
            });
        }
        hand.interfere(trouble).await;
        // While the database is away nobody can cancel.
        let early = trouble != Trouble::DatabaseLost && self.cell.way != Way::Back;
        let mut asked = None;
        if early {
            asked = self.cancel(operation).await;
        }
        hand.go_on(trouble).await;
        if !early && self.cell.way != Way::Back {
            asked = self.cancel(operation).await;
        }
        if self.mode == Mode::Twice && self.second_comes(operation).await {
            tokio::time::sleep(Duration::from_millis(60)).await;
            hand.interfere(trouble).await;
            hand.go_on(trouble).await;
        }
        asked
    }

    /// What was explained goes on when it is retried; struck again, it is explained again.
    async fn goes_on(&self, explained: &Value) {
        let app = self.app;
        let expected = self.cell.outcome == Outcome::Explains
            || self.cell.outcome == Outcome::LogsIn && self.mode == Mode::Twice;
        assert!(expected, "{}", brief(explained));
        judge::explained(explained);
        let mut last = explained.clone();
        for _ in 0..2 {
            app.phase_settles(&last).await;
            let retry = ask(app, &last, "retry").await;
            assert_eq!(retry.status, 202, "{}", retry.text);
            if self.mode == Mode::Cancelled && self.cell.way == Way::There {
                let asked = ask(app, &retry.body, "cancel").await.status;
                let end = app.done(&retry.body).await;
                if asked == 202 {
                    let removal = app.done(&removal(app, &end).await).await;
                    assert_eq!(removal["status"], "succeeded", "{}", brief(&removal));
                } else {
                    app.removed(self.mode.name()).await;
                }
                return;
            }
            last = self.followed(&retry.body).await;
            if last["status"] == "succeeded" {
                break;
            }
            judge::explained(&last);
        }
        assert_eq!(last["status"], "succeeded", "{}", brief(&last));
        let both = self.mode != Mode::Twice || self.strikes() >= 2;
        assert!(both, "it struck once: {}", brief(&last));
        if self.cell.way != Way::Back {
            app.removed(self.mode.name()).await;
        }
    }

    /// Somebody cancels; what cannot be cancelled is removed.
    async fn cancel(&self, operation: &Value) -> Option<Answer> {
        if self.mode != Mode::Cancelled {
            return None;
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = match self.cell.way {
                Way::Changed => {
                    let workspace = operation["target"]["id"].as_str().expect("a workspace");
                    self.app.delete(&format!("/workspaces/{workspace}")).await
                }
                _ => ask(self.app, operation, "cancel").await,
            };
            // A database that has just come back may be told of as away once more; who is told so asks again.
            if answer.status == 503 && Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            assert!(matches!(answer.status, 202 | 409), "{}", answer.text);
            return Some(answer);
        }
    }

    /// Waits until an operation ends or stands; one that waits for the store is let wait.
    async fn followed(&self, operation: &Value) -> Value {
        let path = operation["href"].as_str().expect("a link");
        let (mut until, mut parked) = (Instant::now() + PATIENCE, 0);
        loop {
            let now = self.app.get(path).await.body;
            if now["done"] == true || now["status"] == "needs_attention" {
                if self.cell.outcome == Outcome::Parks && self.mode != Mode::Cancelled {
                    assert!(parked > 0, "it never waited for the store: {}", brief(&now));
                }
                return now;
            }
            // Who is refused a second time waits as long as who is told that he may not.
            if matches!(self.cell.outcome, Outcome::Parks | Outcome::LogsIn)
                && judge::parked(self.app, self.cell.way).await
            {
                parked += 1;
                self.app.advance(Duration::from_secs(40)).await;
                until = Instant::now() + PATIENCE;
            }
            assert!(Instant::now() < until, "it does not end: {}", brief(&now));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn calls(&self) -> Vec<simulator::Arrival> {
        self.app.simulator.arrivals().split_off(self.begin)
    }

    /// How often it has struck.
    fn strikes(&self) -> usize {
        let mut meant = vec![self.cell.wire.call];
        meant.extend(self.cell.lookup);
        let kind = self.cell.trouble.fault();
        let calls = self.calls();
        let struck = calls
            .iter()
            .filter(|it| it.fault == Some(kind) && meant.contains(&it.call));
        let last = |call: Call| self.cell.way == Way::Back && call == self.cell.last;
        struck
            .filter(|it| !last(it.call) || it.call == self.cell.wire.call)
            .count()
    }

    async fn until_struck(&self, times: usize) {
        let until = Instant::now() + PATIENCE;
        while self.strikes() < times {
            assert!(Instant::now() < until, "{:?}: it never struck", self.mode);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether the second strikes before the operation is over.
    async fn second_comes(&self, operation: &Value) -> bool {
        let until = Instant::now() + PATIENCE;
        let path = operation["href"].as_str().expect("a link");
        loop {
            if self.strikes() >= 2 {
                return true;
            }
            if self.app.get(path).await.body["done"] == true {
                return false;
            }
            assert!(Instant::now() < until, "neither struck again nor done");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How many objects of each kind were made in this mode.
    fn made(&self) -> BTreeMap<String, u64> {
        let made = variants::made(self.app).into_iter();
        made.map(|(kind, made)| {
            let before = self.made.get(&kind).copied().unwrap_or_default();
            (kind, made - before)
        })
        .collect()
    }

    fn judge(&self, end: &Value) {
        let seen = Seen {
            cell: self.cell,
            strikes: self.strikes(),
            calls: self.calls(),
            made: self.made(),
        };
        if self.mode != Mode::Cancelled || self.cell.way == Way::Back {
            judge::judge(&seen, end, self.mode == Mode::Twice);
        }
    }
}

impl TestApp {
    /// Waits until the workspace of an operation that failed shows it.
    async fn phase_settles(&self, operation: &Value) {
        match (operation["status"].as_str(), operation["kind"].as_str()) {
            (Some("failed"), Some("create")) => drop(self.phase(operation, "failed").await),
            (Some("failed"), _) => drop(self.phase(operation, "ready").await),
            _ => {}
        }
    }
}
