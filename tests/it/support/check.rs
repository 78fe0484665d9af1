//! What must hold at the end of every test, whatever happened in it: the world has come to rest, and the checker finds
//! nothing.

use super::stores::Store;
use super::{PATIENCE, TestApp};
use crate::checker::facts::Facts;
use crate::checker::history::{History, Stop};
use crate::checker::{Evidence, Terms, Violation, check};
use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Waits until no operation is on its way and no job is held.
pub async fn settled(app: &TestApp) {
    settled_within(app, PATIENCE).await;
}

/// The same in a world where much was left to do.
pub async fn settled_within(app: &TestApp, patience: Duration) {
    let until = Instant::now() + patience;
    loop {
        let open: Vec<String> = sqlx::query_scalar(
            "select kind || ' ' || status || ': ' || message from operations
              where status in ('queued', 'running', 'cancelling') and (not_before is null or not_before <= clock())",
        )
        .fetch_all(&app.db)
        .await
        .expect("the database answers");
        let held: i64 = sqlx::query_scalar(
            "select count(*) from jobs where kind = 'operation' and lease_owner is not null",
        )
        .fetch_one(&app.db)
        .await
        .expect("the database answers");
        if open.is_empty() && held == 0 {
            return;
        }
        assert!(
            Instant::now() < until,
            "{held} jobs held, operations not done: {open:#?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl TestApp {
    /// Says that this thing, by the vendor's id, was planted or is removed by the test itself.
    pub fn planted(&self, id: &str) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.planted.push(id.to_owned());
    }

    /// Says how a process ended that was told to.
    pub fn stopped(&self, stop: Stop) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.stops.push(stop);
    }

    /// Has a text searched for secrets as well.
    pub fn written(&self, what: &str, text: String) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.texts.push((what.to_owned(), text));
    }

    fn history(&self) -> History {
        let history = self.history.lock();
        history.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What there is to judge this world by.
    pub async fn evidence(&self) -> Evidence {
        let world = self.simulator.world();
        let numbers = &self.app.provisioning;
        let mut secrets = vec![world.client_secret.clone()];
        secrets.extend(self.store.own_secrets(world));
        Evidence {
            facts: Facts::read(&self.database_url).await,
            inventory: self.simulator.inventory(),
            files: match self.store {
                Store::AgeFile(_) => self.delivered(),
                _ => BTreeMap::new(),
            },
            arrivals: self.simulator.arrivals(),
            history: self.history(),
            terms: Terms {
                instance: numbers.instance.clone(),
                settle: numbers.settle,
                call_timeout: numbers.call_timeout,
                one_process: None,
                secrets,
            },
        }
    }
}

/// Every invariant holds, and nothing arrived outside that no client should send.
pub async fn invariants(app: &TestApp) {
    let found = check(&app.evidence().await);
    let words: Vec<String> = found.iter().map(Violation::to_string).collect();
    assert!(words.is_empty(), "{words:#?}");
    let mistakes = app.simulator.unexpected();
    assert!(
        mistakes.is_empty(),
        "requests no client should send: {mistakes:#?}"
    );
}
