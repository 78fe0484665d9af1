//! What all parts need: a Postgres with a migrated database for each, a simulator, a configuration.

use brickyard::app::App;
use brickyard::config::{self, Config};
use brickyard::dev;
use serde_json::json;
use simulator::Simulator;
use simulator::postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

/// Simulated seconds per real second: a workspace takes 15 to 24 real ones.
pub(crate) const SPEED: f64 = 20.0;

/// What an account may be asked in a second, all processes together.
pub(crate) const PER_SECOND: f64 = 100.0;

pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) limits: &'static [(&'static str, &'static str)],
    postgres: Postgres,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::at_speed(SPEED, LIMITS).await
    }

    /// One that keeps real time, with the worker's numbers as they are in production.
    pub(crate) async fn in_production() -> Self {
        Self::at_speed(1.0, &[]).await
    }

    async fn at_speed(speed: f64, limits: &'static [(&'static str, &'static str)]) -> Self {
        let settings = simulator::Settings {
            speed,
            ..Default::default()
        };
        Self {
            limits,
            simulator: Simulator::start(settings).await.unwrap(),
            postgres: Postgres::start().await.unwrap(),
        }
    }

    /// A new database with the product's schema.
    pub(crate) async fn database(&self, name: &str) -> String {
        let mut admin = PgConnection::connect(self.postgres.url()).await.unwrap();
        let statement = AssertSqlSafe(format!("create database {name}"));
        sqlx::query(statement).execute(&mut admin).await.unwrap();
        let (server, _) = self.postgres.url().rsplit_once('/').unwrap();
        let url = format!("{server}/{name}");
        let pool = PgPool::connect(&url).await.unwrap();
        brickyard::store::schema::migrate(&pool).await.unwrap();
        pool.close().await;
        url
    }

    /// Takes the database away, after having had its statistics settle.
    pub(crate) async fn transactions(&self, database_url: &str) -> i64 {
        let mut admin = PgConnection::connect(self.postgres.url()).await.unwrap();
        let (_, name) = database_url.rsplit_once('/').unwrap();
        // Counters of a connection are added up when it ends.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        sqlx::query_scalar("select xact_commit from pg_stat_database where datname = $1")
            .bind(name)
            .fetch_one(&mut admin)
            .await
            .unwrap()
    }

    /// The configuration's text.
    pub(crate) fn text(&self, database_url: &str) -> String {
        dev::configuration(self.simulator.world(), database_url, dev::OBJECTS, "")
    }

    /// The configuration, with limits that nobody who measures runs into.
    pub(crate) fn config(&self, database_url: &str) -> Config {
        let environment = self
            .limits
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()));
        config::parse("the bench", &self.text(database_url), environment).unwrap()
    }

    pub(crate) fn app(&self, database_url: &str) -> App {
        App::new(self.config(database_url)).unwrap()
    }

    /// A requester's bearer token.
    pub(crate) fn token(&self) -> String {
        let now = brickyard::clock::Clock::system().now().timestamp();
        self.simulator.mint_jwt(json!({
            "sub": "requester@example.com", "groups": ["requesters"], "iat": now, "exp": now + 3600,
        }))
    }
}

/// What is set differently from production: one caller may ask more and the queue be longer, an account may be asked 100 times a second (the
/// most that can be set), and the observer keeps simulated time, but for its fast tick, which is a real second.
const LIMITS: &[(&str, &str)] = &[
    ("BRICKYARD_SERVER__REQUESTS_PER_MINUTE", "1000000"),
    ("BRICKYARD_SERVER__MAX_QUEUED_PER_ACCOUNT", "1000000"),
    ("BRICKYARD_WORKER__OBSERVE_SLOW_SECONDS", "1"),
    ("BRICKYARD_WORKER__OBSERVE_FAST_AFTER_SECONDS", "9"),
];

/// How busy the machine was, as the kernel says.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
