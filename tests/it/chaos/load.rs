//! Clients that keep asking for workspaces, and cancel and remove them, through whichever replica answers. Like real
//! ones they send a request again, under the same key, until they know what became of it.

use super::figures::Figures;
use super::fleet::Addresses;
use crate::checker::facts::public;
use crate::support::{Answer, TestApp};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Clients. The last is of another team.
const CLIENTS: u64 = 10;

/// Names of each client: they are used again and again.
const NAMES: u32 = 3;

/// How long a client waits for an answer: a frozen replica takes connections and is silent.
const ANSWER: Duration = Duration::from_secs(9);

/// For how long what clients have in mind is sent again.
const STUBBORN: u32 = 600;

/// The load of a run.
pub struct Load<'a> {
    pub app: &'a TestApp,
    pub addresses: Addresses,
    pub figures: &'a Mutex<Figures>,
    pub seed: u64,
    /// Whether tags are changed too.
    pub updates: bool,
}

impl Load<'_> {
    /// Goes on for ever.
    pub async fn run(&self) {
        join_all((0..CLIENTS).map(async |number| {
            let rng = StdRng::seed_from_u64(self.seed.wrapping_mul(1000) + number);
            let mut client = Client {
                load: self,
                number,
                rng,
                round: 0,
            };
            loop {
                client.a_workspace().await;
            }
        }))
        .await;
    }

    /// Removes everything that is there: each client what is its own.
    pub async fn remove_all(&self) {
        let rows: Vec<(uuid::Uuid, String)> =
            sqlx::query_as("select id, name from workspaces where phase <> 'deleted'")
                .fetch_all(&self.app.db)
                .await
                .expect("the database answers");
        join_all(rows.into_iter().map(async |(id, name)| {
            let number = name.split('-').nth(1).and_then(|it| it.parse().ok());
            let mut client = Client {
                load: self,
                number: number.expect("a client's number"),
                rng: StdRng::seed_from_u64(self.seed),
                round: 0,
            };
            client.remove(&public("ws", &id.to_string())).await;
        }))
        .await;
    }

    fn count(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

struct Client<'a> {
    load: &'a Load<'a>,
    number: u64,
    rng: StdRng,
    round: u32,
}

impl Client<'_> {
    /// A token that is good by all clocks of the fleet: it was issued a while ago and lasts a while.
    fn bearer(&self) -> String {
        let group = if self.number == CLIENTS - 1 {
            "other-requesters"
        } else {
            "requesters"
        };
        let now = self.load.app.app.clock.now().timestamp();
        let claims = json!({
            "sub": format!("client-{}@example.com", self.number), "groups": [group],
            "iat": now - 600, "exp": now + 3000,
        });
        format!("Bearer {}", self.load.app.simulator.mint_jwt(claims))
    }

    async fn pause(&mut self, milliseconds: std::ops::Range<u64>) {
        let pause = self.rng.random_range(milliseconds);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    /// Sends until there is an answer that says what became of it.
    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let bearer = self.bearer();
        let mut headers = vec![
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        headers.extend_from_slice(more);
        for _ in 0..STUBBORN {
            let url = {
                let addresses = self
                    .load
                    .addresses
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                addresses[self.rng.random_range(0..addresses.len())].clone()
            };
            let sent = self.load.app.send_to(&url, method, path, &headers, body);
            match tokio::time::timeout(ANSWER, sent).await {
                Ok(Ok(answer)) if answer.status != 503 => return answer,
                // Refused, cut, silent, or told to come again.
                _ => self.load.count(|it| it.repeated += 1),
            }
            self.pause(50..400).await;
        }
        panic!("{method} {path} is never answered");
    }

    /// One that should not have come.
    fn wrong(&self, what: &str, answer: &Answer) {
        let words = format!("{what}: {} {}", answer.status, answer.text);
        self.load.count(|it| it.wrong.push(words));
    }

    /// Asks for one, and changes its mind or not.
    async fn a_workspace(&mut self) {
        self.round += 1;
        let name = format!("chaos-{}-{}", self.number, self.round % NAMES);
        let key = format!("{}-{}", name, self.round);
        let body = json!({"name": name, "template": "sandbox"}).to_string();
        let create = self.submit(&key, &body).await;
        let Some(create) = create else {
            // Kept by an earlier round.
            self.remove(&name).await;
            return;
        };
        let workspace = create["target"]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        match self.rng.random_range(0..10) {
            // It is kept until its name's next turn.
            0..3 => self.follow(&create).await,
            3..6 => {
                self.follow(&create).await;
                if self.load.updates {
                    self.tag(&workspace).await;
                }
                self.remove(&workspace).await;
            }
            6..8 => {
                self.pause(0..4000).await;
                self.cancel(&create, &workspace).await;
            }
            _ => {
                self.pause(0..4000).await;
                self.remove(&workspace).await;
            }
        }
    }

    /// The operation; none if the name is taken.
    async fn submit(&mut self, key: &str, body: &str) -> Option<Value> {
        let key = [("idempotency-key", key)];
        let answer = self.ask("POST", "/workspaces", &key, Some(body)).await;
        match answer.status {
            202 => {
                self.load.count(|it| it.asked += 1);
                // Some are never sure.
                if self.rng.random_bool(0.2) {
                    self.ask("POST", "/workspaces", &key, Some(body)).await;
                }
                Some(answer.body)
            }
            409 if answer.body["code"] == "name_taken" => None,
            _ => {
                self.wrong("a create", &answer);
                self.pause(500..1000).await;
                None
            }
        }
    }

    /// Waits until an operation is done; what it came to.
    async fn done(&mut self, operation: &Value) -> Value {
        let id = operation["id"].as_str().unwrap_or_default().to_owned();
        let path = format!("/operations/{id}");
        loop {
            let answer = self.ask("GET", &path, &[("prefer", "wait=5")], None).await;
            if answer.status != 200 {
                self.wrong("a look", &answer);
                return Value::Null;
            }
            if answer.body["done"] == true {
                return answer.body;
            }
            if answer.body["status"] == "needs_attention" {
                let words = answer.body["problem"].to_string();
                self.load.count(|it| it.parked.push(words));
                self.ask("POST", &format!("{path}/retry"), &[], None).await;
                self.pause(500..1000).await;
            }
        }
    }

    /// Waits for a create.
    async fn follow(&mut self, create: &Value) {
        let done = self.done(create).await;
        self.load.count(|it| match done["status"].as_str() {
            Some("succeeded") => it.ready += 1,
            _ => it.wrong.push(format!("a create ended so: {done}")),
        });
    }

    /// Wants another tag on one that is ready.
    async fn tag(&mut self, workspace: &str) {
        let path = format!("/workspaces/{workspace}");
        let body = json!({"tags": {"round": self.round.to_string()}}).to_string();
        let answer = self.ask("PATCH", &path, &[], Some(&body)).await;
        match answer.status {
            202 => {
                let done = self.done(&answer.body).await;
                self.load.count(|it| match done["status"].as_str() {
                    Some("succeeded") => it.tagged += 1,
                    _ => it.wrong.push(format!("an update ended so: {done}")),
                });
            }
            // The answer to the first time it was asked was lost.
            200 => self.load.count(|it| it.tagged += 1),
            _ => self.wrong("an update", &answer),
        }
    }

    /// Stops a create, if that is still possible, and sees to it that nothing is left.
    async fn cancel(&mut self, create: &Value, workspace: &str) {
        let path = format!(
            "/operations/{}/cancel",
            create["id"].as_str().unwrap_or_default()
        );
        let answer = self.ask("POST", &path, &[], None).await;
        match (answer.status, answer.body["code"].as_str()) {
            (202, _) => {
                let done = self.done(create).await;
                self.load.count(|it| match done["status"].as_str() {
                    Some("cancelled") => it.cancelled += 1,
                    _ => it
                        .wrong
                        .push(format!("a cancelled create ended so: {done}")),
                });
            }
            (409, Some("not_cancellable")) => {}
            _ => self.wrong("a cancel", &answer),
        }
        self.remove(workspace).await;
    }

    /// Removes one, by id or name, and waits until it is gone.
    async fn remove(&mut self, workspace: &str) {
        let path = format!("/workspaces/{workspace}");
        let answer = self.ask("DELETE", &path, &[], None).await;
        match answer.status {
            202 => {
                let done = self.done(&answer.body).await;
                self.load.count(|it| match done["status"].as_str() {
                    Some("succeeded") => it.deleted += 1,
                    _ => it.wrong.push(format!("a removal ended so: {done}")),
                });
            }
            204 | 404 => {}
            _ => self.wrong("a removal", &answer),
        }
    }
}
