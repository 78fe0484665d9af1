//! The audit: append-only, every transition in the transaction of the change, sealed into a hash chain that anybody can
//! check, and out of reach of the service's own role.

mod role;
mod sealing;
mod tampering;
mod transitions;

use crate::support::{PATIENCE, database};
use brickyard::clock::Clock;
use brickyard::provisioning::seal::Sealer;
use brickyard::provisioning::{self, Provisioning, SEAL_JOB};
use brickyard::queue::worker::{Handler, Left};
use brickyard::queue::{Job, enqueue, lease};
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What a command printed, and how it ended.
struct Told {
    code: Option<i32>,
    text: String,
}

impl Told {
    #[track_caller]
    fn says(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.text);
        for words in words {
            assert!(self.text.contains(words), "no `{words}` in:\n{}", self.text);
        }
    }
}

/// Runs the real binary on a database.
async fn brickyard(database_url: &str, arguments: &[&str]) -> Told {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/brickyard.example.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_brickyard"));
    command
        .args(["--config", example])
        .args(arguments)
        .env("BRICKYARD_DATABASE__URL", database_url)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null());
    let run = move || command.output().expect("it runs");
    let output = tokio::task::spawn_blocking(run).await.expect("it ends");
    let text = [output.stdout, output.stderr].concat();
    Told {
        code: output.status.code(),
        text: String::from_utf8_lossy(&text).into_owned(),
    }
}

async fn verify(database_url: &str) -> Told {
    brickyard(database_url, &["audit", "verify"]).await
}

/// A database without a world around it.
struct Bare {
    url: String,
    db: PgPool,
}

impl Bare {
    async fn new() -> Self {
        let url = database::fresh().await;
        let db = database::pool(&url);
        Self { url, db }
    }

    async fn run(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&self.db)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// Inserts rows as the version before wrote them.
    async fn write(&self, rows: i64) {
        for row in 0..rows {
            insert(&self.db, row).await;
        }
    }

    /// Seals what there is, as a worker does.
    async fn seal(&self) {
        let job = self.job().await;
        let left = sealer(&self.db).run(&job, &CancellationToken::new()).await;
        assert!(matches!(left, Ok(Left::Released(_))), "{left:?}");
    }

    /// The job, leased.
    async fn job(&self) -> Job {
        let mut connection = self.db.acquire().await.expect("a connection");
        enqueue::enqueue(&mut connection, SEAL_JOB, "audit", Duration::ZERO)
            .await
            .expect("a job");
        self.run("update jobs set run_at = clock(), lease_owner = null, lease_expires_at = null")
            .await;
        let (owner, kinds) = (uuid::Uuid::now_v7(), [SEAL_JOB.to_owned()]);
        let minute = Duration::from_secs(60);
        let jobs = lease::acquire(&self.db, owner, &kinds, 1, minute).await;
        jobs.expect("jobs").pop().expect("the job")
    }

    async fn end(self) {
        self.db.close().await;
        database::discard(&self.url).await;
    }
}

async fn insert(db: impl sqlx::PgExecutor<'_>, row: i64) {
    sqlx::query(
        "insert into audit (actor, action, workspace_id, operation_id, team, epoch, request_id, detail)
         values ('worker', 'step.succeeded', $1, $2, 'data', $3, 'r-1', '{\"step\": \"preflight\", \"n\": 1.50}')",
    )
    .bind(uuid::Uuid::now_v7())
    .bind((row % 2 == 0).then(uuid::Uuid::now_v7))
    .bind((row % 3 == 0).then_some(row))
    .execute(db)
    .await
    .expect("a row");
}

fn sealer(db: &PgPool) -> Sealer {
    Sealer(Arc::new(Provisioning {
        db: db.clone(),
        clock: Clock::system(),
        settings: provisioning::Settings {
            seal_every: Duration::from_millis(20),
            ..provisioning::Settings::default()
        },
        providers: HashMap::new(),
        stores: HashMap::new(),
    }))
}

/// The rows of the chain, in its order, whose positions have no gap.
async fn chain(db: &PgPool) -> Vec<i64> {
    let rows: Vec<(i64, i64)> = sqlx::query_as("select position, seq from seals order by position")
        .fetch_all(db)
        .await
        .expect("seals");
    let positions: Vec<i64> = rows.iter().map(|(position, _)| *position).collect();
    let expected: Vec<i64> = (1..).take(rows.len()).collect();
    assert_eq!(positions, expected);
    rows.into_iter().map(|(_, seq)| seq).collect()
}

/// Waits until every row is sealed, and checks that each is so once.
async fn all_sealed(db: &PgPool) {
    let until = Instant::now() + PATIENCE;
    let open = || async {
        sqlx::query_scalar::<_, i64>(
            "select count(*) from audit where seq not in (select seq from seals)",
        )
        .fetch_one(db)
        .await
        .expect("a count")
    };
    while open().await > 0 {
        assert!(Instant::now() < until, "rows stay without a seal");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut sealed = chain(db).await;
    sealed.sort_unstable();
    let rows: Vec<i64> = sqlx::query_scalar("select seq from audit order by seq")
        .fetch_all(db)
        .await
        .expect("rows");
    assert_eq!(sealed, rows);
    let waiting: i64 = sqlx::query_scalar("select count(*) from unsealed")
        .fetch_one(db)
        .await
        .expect("a count");
    assert_eq!(waiting, 0, "what is sealed no longer waits");
}
