//! The test app: the real product over a real Postgres and the simulator, over real sockets. It checks itself on
//! the way out ([`TestApp::finish`]).

pub mod account;
mod api;
pub mod browser;
pub mod check;
pub mod conformity;
pub mod database;
mod exchange;
pub mod mortal;
pub mod named;
mod numbers;
mod outside;
pub mod previous;
pub mod process;
pub mod road;
pub mod steering;
pub mod stores;
mod sweep;
pub mod variants;
pub mod wire;

use crate::checker::history::History;
use brickyard::app::App;
use brickyard::config::{self, Config};
use brickyard::dev;
use brickyard::domain::cloud::Cloud;
pub use exchange::Answer;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Simulator};
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use stores::Store;
use tokio_util::sync::CancellationToken;

/// Simulated seconds per real second: a workspace of 300 to 480 s is there within half a second.
pub const SPEED: f64 = 1000.0;

/// How long anything may take here before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The running world of one test.
pub struct TestApp {
    /// The outside.
    pub simulator: Simulator,
    /// The product's parts, for tests that start workers of their own.
    pub app: Arc<App>,
    /// Address of the API.
    pub url: String,
    /// Address of this test's database.
    pub database_url: String,
    /// A pool beside the product's.
    pub db: PgPool,
    /// Where tokens are delivered.
    pub store: Store,
    /// Where workspaces are made.
    pub cloud: Cloud,
    /// Keys of the template, for processes beside this one.
    pub template: String,
    client: reqwest::Client,
    history: Mutex<History>,
    /// Addresses of processes of other versions: their answers are of another document.
    others: Mutex<BTreeSet<String>>,
    stop: CancellationToken,
    workers: Vec<Running>,
    server: tokio::task::JoinHandle<()>,
    finished: bool,
}

struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

/// What a test wants differently.
pub struct Builder {
    /// Workers in this process.
    pub workers: usize,
    /// Where workspaces are made.
    pub cloud: Cloud,
    /// TOML appended to the configuration.
    pub extra: String,
    /// Variables that override settings, as an operator's environment does.
    pub environment: &'static [(&'static str, &'static str)],
    /// Simulated seconds per real second.
    pub speed: f64,
    /// Keys of the template, as TOML lines.
    pub template: String,
    /// A world that exists already.
    pub simulator: Option<Simulator>,
    /// Where tokens are delivered.
    pub store: Store,
    /// A database that is not the run's.
    pub database_url: Option<String>,
    /// Changes the configuration's text.
    pub rewrite: Option<Rewrite>,
    /// Changes numbers before anything runs.
    pub tune: fn(&mut App),
}

/// What changes a text.
pub type Rewrite = Box<dyn Fn(String) -> String + Send + Sync>;

impl Default for Builder {
    fn default() -> Self {
        Self {
            workers: 1,
            cloud: Cloud::Aws,
            extra: String::new(),
            environment: &[],
            speed: SPEED,
            template: dev::OBJECTS.into(),
            simulator: None,
            store: Store::default(),
            database_url: None,
            rewrite: None,
            tune: |_| {},
        }
    }
}

/// A simulator of this speed.
pub async fn simulate(speed: f64) -> Simulator {
    let settings = simulator::Settings {
        speed,
        ..Default::default()
    };
    Simulator::start(settings)
        .await
        .expect("the simulator starts")
}

/// Disarms all faults. But nobody is told to wait by a clock that cannot be sped up.
pub fn calm(simulator: &Simulator) {
    simulator.clear_faults();
    simulator.fault(Fault::new(FaultKind::RetryAfterZero).times(0));
}

impl Builder {
    /// Starts the world.
    pub async fn start(self) -> TestApp {
        let simulator = match self.simulator.clone() {
            Some(simulator) => simulator,
            None => simulate(self.speed).await,
        };
        let database_url = match &self.database_url {
            Some(url) => url.clone(),
            None => database::fresh().await,
        };
        let config = configuration(&simulator, &database_url, &self);
        let mut app = App::new(config).expect("the app builds");
        numbers::quicken(&mut app);
        (self.tune)(&mut app);
        let app = Arc::new(app);
        let (url, stop, server) = api::serve(&app).await;
        let db = database::pool(&database_url);
        if self.database_url.is_none() {
            db.acquire().await.expect("the run's server answers");
        }
        let mut test = TestApp {
            simulator,
            app,
            url,
            database_url,
            db,
            store: self.store,
            cloud: self.cloud,
            template: self.template,
            client: reqwest::Client::new(),
            history: Mutex::default(),
            others: Mutex::default(),
            stop,
            workers: Vec::new(),
            server,
            finished: false,
        };
        for _ in 0..self.workers {
            test.start_worker();
        }
        test
    }
}

/// A number that the environment of this run gives.
pub fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
    )
}

/// The configuration of a test's world, through the same door as everybody's.
pub fn configuration(simulator: &Simulator, database_url: &str, builder: &Builder) -> Config {
    let text = dev::configuration_on(
        builder.cloud,
        simulator.world(),
        database_url,
        &builder.template,
        &builder.extra,
    );
    let text = builder.store.in_configuration(&text, simulator.world());
    let text = match &builder.rewrite {
        Some(rewrite) => rewrite(text),
        None => text,
    };
    let environment = builder
        .environment
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    config::parse("a test", &text, environment).unwrap_or_else(|errors| panic!("{errors}"))
}

impl TestApp {
    /// The ordinary world: API and one worker.
    pub async fn start() -> Self {
        Builder::default().start().await
    }

    /// The ordinary world, in which nobody works.
    pub async fn idle() -> Self {
        let builder = Builder {
            workers: 0,
            ..Builder::default()
        };
        builder.start().await
    }

    /// Starts one more worker in this process.
    pub fn start_worker(&mut self) {
        let stop = CancellationToken::new();
        let (app, stopping) = (Arc::clone(&self.app), stop.clone());
        let task = tokio::spawn(async move { app.work(stopping).await });
        self.workers.push(Running { stop, task });
    }

    /// Stops all workers of this process gracefully, as SIGTERM does.
    pub async fn stop_workers(&mut self) {
        for worker in std::mem::take(&mut self.workers) {
            worker.stop.cancel();
            worker.task.await.expect("a worker ends well");
        }
    }

    /// Asks for a workspace; the accepted operation.
    pub async fn create(&self, name: &str) -> Value {
        let answer = self
            .post("/workspaces", &json!({"name": name, "template": "sandbox"}))
            .await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.body
    }

    /// Waits until an operation is done; the operation.
    pub async fn done(&self, operation: &Value) -> Value {
        let id = operation["id"].as_str().expect("an operation");
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(&format!("/operations/{id}")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            if answer.body["done"] == true {
                return answer.body;
            }
            assert!(
                Instant::now() < until,
                "{id} is not done: {:#}",
                answer.body
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Asks for a workspace and waits until it is ready; the workspace.
    pub async fn ready(&self, name: &str) -> Value {
        let operation = self.create(name).await;
        let done = self.done(&operation).await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
        self.get(&format!("/workspaces/{name}")).await.body
    }

    /// Deletes a workspace and waits until it is gone; the operation.
    pub async fn removed(&self, workspace: &str) -> Value {
        let answer = self.delete(&format!("/workspaces/{workspace}")).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        let done = self.done(&answer.body).await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
        done
    }

    /// The workspace an operation is about, by id.
    pub async fn workspace_of(&self, operation: &Value) -> Value {
        let id = operation["target"]["id"].as_str().expect("a target");
        self.get(&format!("/workspaces/{id}")).await.body
    }

    /// Waits until an operation waits in this step.
    pub async fn at_step(&self, operation: &Value, step: &str) {
        let id = operation["id"].as_str().expect("an operation");
        let until = Instant::now() + PATIENCE;
        loop {
            let now = self.get(&format!("/operations/{id}")).await.body;
            if now["progress"]["step"] == step && now["progress"]["waiting_for"] != Value::Null {
                return;
            }
            assert!(
                Instant::now() < until && now["done"] == false,
                "not at {step}: {now:#}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the workspace of an operation is in a phase; the workspace.
    pub async fn phase(&self, operation: &Value, phase: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let workspace = self.workspace_of(operation).await;
            if workspace["phase"] == phase {
                return workspace;
            }
            assert!(Instant::now() < until, "not {phase}: {workspace:#}");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Takes the lease of an operation's job away from its owner, as it ends for a process that was paused for longer.
    pub async fn lease_ends(&self, operation: &Value) {
        let ended = sqlx::query(
            "update jobs set lease_owner = null, lease_expires_at = null, run_at = clock()
              where key = $1 and lease_owner is not null",
        )
        .bind(operation["id"].as_str().expect("an operation"))
        .execute(&self.db)
        .await
        .expect("the database answers");
        assert_eq!(ended.rows_affected(), 1, "it was leased");
    }

    /// Arms a fault.
    pub fn fault(&self, fault: Fault) {
        self.simulator.fault(fault);
    }

    /// Moves every clock forward: the database's, the product's and the simulator's.
    pub async fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).expect("not that long");
        sqlx::query("update test_clock set offset_ms = offset_ms + $1")
            .bind(ms)
            .execute(&self.db)
            .await
            .expect("the clock moves");
        self.app.clock.advance(by);
        self.simulator.advance(by);
    }

    /// Ends the test: waits until nothing is in progress, checks what must hold in every world, stops everything.
    pub async fn finish(mut self) {
        check::settled(&self).await;
        check::invariants(&self).await;
        self.end().await;
    }

    /// Ends a test whose world is meant to be left in disorder, and says why.
    pub async fn abandon(mut self, _why: &str) {
        self.end().await;
    }

    async fn end(&mut self) {
        self.finished = true;
        self.stop_workers().await;
        self.stop.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(5), &mut self.server).await;
        self.server.abort();
        self.db.close().await;
        self.app.db.close().await;
        self.simulator.clone().stop().await;
        database::discard(&self.database_url).await;
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        assert!(
            self.finished || std::thread::panicking(),
            "end the test with finish() or abandon(why)"
        );
    }
}
