//! The world of one list: a real database, the simulator with a clock that only jumps, the API, and workers that do
//! nothing by themselves.

use super::action::Action;
use super::place::Place;
use super::worker::{Handlers, Ran, Worker};
use crate::checker::history::Stop;
use crate::checker::{Violation, check};
use crate::support::{Answer, Builder, TestApp, calm};
use brickyard::app::App;
use brickyard::domain::cloud::Cloud;
use brickyard::provisioning;
use brickyard::queue::lease;
use serde_json::json;
use simulator::{Fault, FaultKind, Simulator};
use std::sync::Arc;
use std::time::Duration;

/// Workers.
pub const WORKERS: usize = 3;

/// Names that are asked for: the first is made with a network of its own and kept when it fails, the last is another
/// team's.
pub const WORKSPACES: usize = 3;

/// How long a lease lasts.
pub const LEASE: Duration = Duration::from_secs(30);

/// More than any list needs to come to rest.
const ROUNDS: usize = 600;

/// A wait that `work` sits out.
const LITTLE: Duration = Duration::from_secs(60);

/// Calls per second: not what slows these worlds down.
const PER_SECOND: u32 = 10_000;

/// A world.
pub struct World {
    app: TestApp,
    place: Place,
    handlers: Handlers,
    workers: Vec<Worker>,
    /// How far the clocks have jumped.
    now: Duration,
    /// How often each name was asked for under a new key.
    rounds: [u32; WORKSPACES],
    /// How often another tag was wanted.
    tags: u32,
    stops: Vec<Stop>,
}

/// The numbers of production, where they do not make anybody wait by a clock that cannot be jumped.
fn tune(app: &mut App) {
    let production = provisioning::Settings::default();
    app.provisioning = provisioning::Settings {
        instance: app.provisioning.instance.clone(),
        store_retry: Duration::from_millis(250),
        // A tick of a second asks three hundred times for one workspace.
        observe_fast: Duration::from_secs(15),
        observe_slow: Duration::from_secs(30),
        ..production
    };
    // Clocks jump by hours while nobody works, and a look at the queue is believed for a real second.
    app.http.limits.admission.oldest = Duration::MAX;
    for account in app.config.accounts.values_mut() {
        *account.requests_per_second() = PER_SECOND;
    }
}

fn name(workspace: usize) -> String {
    format!("simulated-{workspace}")
}

impl World {
    /// A fresh one in this place. The seed decides what the vendor takes its time for.
    pub async fn start(place: Place, seed: u64) -> Self {
        let settings = simulator::Settings {
            speed: 0.0,
            seed,
            ..Default::default()
        };
        let simulator = Simulator::start(settings).await.expect("a simulator");
        calm(&simulator);
        let region = match place.cloud() {
            Cloud::Aws => "us-west-2",
            Cloud::Azure => &simulator.world().azure.location,
        };
        let kept = format!(
            "[templates.kept]\naccount = \"main\"\nregion = \"{region}\"\nsecret_store = \"main\"\n{}",
            place.kept()
        );
        let builder = Builder {
            workers: 0,
            cloud: place.cloud(),
            store: place.store(),
            template: place.sandbox(),
            extra: kept,
            simulator: Some(simulator.clone()),
            tune,
            ..Builder::default()
        };
        let app = builder.start().await;
        let mut world = Self {
            handlers: handlers(&app),
            app,
            place,
            workers: Vec::new(),
            now: Duration::ZERO,
            rounds: [0; WORKSPACES],
            tags: 0,
            stops: Vec::new(),
        };
        world.begin();
        world
    }

    /// All workers begin anew.
    fn begin(&mut self) {
        self.workers = (0..WORKERS).map(|_| self.worker()).collect();
    }

    /// One that has just begun.
    fn worker(&self) -> Worker {
        let handlers = match self.place.is_one_process() {
            true => Arc::clone(&self.handlers),
            false => handlers(&self.app),
        };
        Worker::new(handlers, self.place.compares())
    }

    /// Lets one thing happen.
    pub async fn act(&mut self, action: &Action) {
        match action {
            Action::Submit(n) => {
                self.rounds[*n] += 1;
                self.submit(*n).await;
            }
            Action::Repeat(n) if self.rounds[*n] > 0 => self.submit(*n).await,
            Action::Repeat(_) => {}
            Action::Put(n) => {
                let body = json!({"template": template(*n)}).to_string();
                let path = format!("/workspaces/{}", name(*n));
                self.send("PUT", &path, *n, None, Some(&body)).await;
            }
            Action::Tag(n) => {
                self.tags += 1;
                // Now and then the one that is there goes.
                let value = (!self.tags.is_multiple_of(3)).then(|| self.tags.to_string());
                let body = json!({"tags": {"tag": value}}).to_string();
                let path = format!("/workspaces/{}", name(*n));
                self.send("PATCH", &path, *n, None, Some(&body)).await;
            }
            Action::Delete(n) => self.delete(*n).await,
            Action::Advance(seconds) => self.advance(Duration::from_secs(*seconds)).await,
            Action::Next => {
                if let Some(due) = self.due().await {
                    self.advance(due).await;
                }
            }
            Action::Run(k) => {
                self.workers[*k].run(&self.app, self.now).await;
            }
            Action::Work => self.work().await,
            Action::Fault(kind, call) => self.app.fault(Fault::new(*kind).on(*call)),
            Action::Resume => {
                self.let_go().await;
                for worker in &mut self.workers {
                    worker.resume(&self.app, self.now).await;
                }
            }
            Action::Renew => {
                for worker in &self.workers {
                    if let Some(job) = worker.job() {
                        let jobs = [job];
                        let extended = lease::extend(&self.app.db, worker.owner, &jobs, LEASE);
                        extended.await.expect("the database answers");
                    }
                }
            }
            Action::Steal => {
                let ended =
                    "update jobs set lease_expires_at = clock() where lease_owner is not null";
                let ended = sqlx::query(ended).execute(&self.app.db).await;
                ended.expect("the database answers");
            }
            Action::Restart(k) => self.workers[*k] = self.worker(),
            Action::Stop(k) => self.stop(*k).await,
            Action::Seal => self.app.fault(Fault::new(FaultKind::StoreSealed).times(0)),
            Action::Unseal => self.app.simulator.clear_fault(FaultKind::StoreSealed),
        }
    }

    /// Everything is well again, and comes to rest; then everything is deleted. What does not hold, then or before.
    pub async fn finish(&mut self) -> Vec<Violation> {
        let simulator = self.app.simulator.clone();
        calm(&simulator);
        self.begin();
        simulator.release();
        self.rest().await;
        for n in 0..WORKSPACES {
            self.send("GET", "/workspaces", n, None, None).await;
        }
        let mut found = self.check().await;
        if found.is_empty() {
            for n in 0..WORKSPACES {
                self.delete(n).await;
            }
            self.rest().await;
            found = self.check().await;
            let left: Vec<String> = sqlx::query_scalar(
                "select name || ' is ' || phase from workspaces where phase <> 'deleted'",
            )
            .fetch_all(&self.app.db)
            .await
            .expect("the database answers");
            found.extend(left.into_iter().map(|left| Violation {
                invariant: "the end",
                words: format!("nothing is wrong any more, and {left}"),
            }));
        }
        let mistakes = self.app.simulator.unexpected().into_iter();
        found.extend(mistakes.map(|it| Violation {
            invariant: "manners",
            words: format!("a request that no client should send: {it:?}"),
        }));
        found
    }

    /// Takes it down.
    pub async fn end(self) {
        self.app.abandon("it was checked already").await;
    }

    async fn check(&self) -> Vec<Violation> {
        let mut evidence = self.app.evidence().await;
        evidence.terms.one_process = self.place.is_one_process().then_some(PER_SECOND);
        evidence.history.stops.extend(self.stops.iter().cloned());
        check(&evidence)
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        workspace: usize,
        key: Option<&str>,
        body: Option<&str>,
    ) -> Answer {
        let who = match (workspace + 1 == WORKSPACES, method) {
            (true, _) => "other-requester",
            (false, "DELETE") => "operator",
            (false, _) => "requester",
        };
        let bearer = self.app.bearer(who);
        let mut headers = vec![
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let answer = self.app.send(method, path, &headers, body).await;
        assert!(answer.status < 500, "{method} {path}: {}", answer.text);
        answer
    }

    async fn submit(&self, workspace: usize) {
        let key = format!("{workspace}-{}", self.rounds[workspace]);
        let body = json!({"name": name(workspace), "template": template(workspace)}).to_string();
        self.send("POST", "/workspaces", workspace, Some(&key), Some(&body))
            .await;
    }

    async fn delete(&self, workspace: usize) {
        let path = format!("/workspaces/{}", name(workspace));
        self.send("DELETE", &path, workspace, None, None).await;
    }

    async fn advance(&mut self, by: Duration) {
        self.now += by;
        self.app.advance(by).await;
    }

    /// How long until the next job may be taken; none if there is no job.
    async fn due(&self) -> Option<Duration> {
        let seconds: Option<f64> = sqlx::query_scalar(
            "select extract(epoch from min(case when lease_owner is null then run_at else lease_expires_at end)
                                       - clock())::float8
               from jobs",
        )
        .fetch_one(&self.app.db)
        .await
        .expect("the database answers");
        // Clocks jump by milliseconds.
        seconds.map(|it| Duration::from_secs_f64(it.max(0.0)) + Duration::from_millis(1))
    }

    /// Workers take turns until nothing is due.
    async fn run_all(&mut self) {
        for _ in 0..ROUNDS {
            for worker in self.workers.iter_mut().filter(|it| !it.is_frozen()) {
                // What is not due for one is not due for any.
                if worker.run(&self.app, self.now).await == Ran::Nothing {
                    return;
                }
            }
            if self.workers.iter().all(Worker::is_frozen) {
                return;
            }
        }
    }

    async fn work(&mut self) {
        for _ in 0..12 {
            self.run_all().await;
            match self.due().await {
                Some(due) if due <= LITTLE => self.advance(due).await,
                _ => return,
            }
        }
    }

    /// Until nothing is under way: what takes longer than anything may is found by the checker.
    async fn rest(&mut self) {
        for _ in 0..ROUNDS {
            self.run_all().await;
            let open: i64 = sqlx::query_scalar(
                "select count(*) from operations
                  where status in ('queued', 'running', 'cancelling')
                    and (not_before is null or not_before <= clock())",
            )
            .fetch_one(&self.app.db)
            .await
            .expect("the database answers");
            match self.due().await {
                Some(due) if open > 0 => self.advance(due).await,
                _ => return,
            }
        }
    }

    /// Lets go what is held, but for what could not land any more.
    async fn let_go(&mut self) {
        for worker in &mut self.workers {
            let Some(job) = worker.job() else { continue };
            let stolen: Option<bool> = sqlx::query_scalar(
                "select lease_owner is distinct from $2 or lease_expires_at <= clock() from jobs where id = $1",
            )
            .bind(job)
            .bind(worker.owner)
            .fetch_optional(&self.app.db)
            .await
            .expect("the database answers");
            worker.drop_overdue(self.now, stolen.unwrap_or(true));
        }
        self.app.simulator.release();
    }

    async fn stop(&mut self, k: usize) {
        self.workers[k].stop();
        if self.workers[k].is_frozen() {
            self.let_go().await;
        }
        let owner = self.workers[k].owner;
        self.workers[k].resume(&self.app, self.now).await;
        // One that does not get to a checkpoint in its grace hands back what it holds all the same.
        let handed = lease::hand_back(&self.app.db, owner).await;
        handed.expect("the database answers");
        self.stops.push(Stop {
            owner,
            code: 0,
            took: Duration::ZERO,
            grace: Duration::ZERO,
        });
        self.workers[k] = self.worker();
    }
}

fn handlers(app: &TestApp) -> Handlers {
    let handlers = app.app.handlers().into_iter();
    Arc::new(handlers.map(|it| (it.kind(), it)).collect())
}

fn template(workspace: usize) -> &'static str {
    if workspace == 0 { "kept" } else { "sandbox" }
}
