//! Sealing: nothing is missed, nothing is sealed twice, whoever does it and whoever dies.

use super::{Bare, all_sealed, brickyard, chain, insert, sealer, verify};
use crate::support::process::Process;
use crate::support::{Builder, PATIENCE};
use brickyard::domain::seal::{Hash, Head};
use brickyard::provisioning::{SEAL_JOB, seal};
use brickyard::queue::worker::{Handler, Left, Worker};
use brickyard::queue::{self, Job, enqueue};
use brickyard::store::{schema, seals};
use futures_util::future::join_all;
use sqlx::migrate::Migrator;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_life_of_a_workspace_is_sealed() {
    let mut app = Builder::default().start().await;
    app.start_worker();
    app.start_worker();
    app.ready("sealed").await;
    app.removed("sealed").await;
    all_sealed(&app.db).await;
    let rows = chain(&app.db).await.len();
    assert!(rows > 15, "{rows}");
    let told = verify(&app.database_url).await;
    told.says(
        0,
        &[
            &format!("sealed      {rows} rows\nhead        {rows}:"),
            "not sealed  0 rows\n",
            "The audit is as it was written.",
        ],
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_without_rows_is_as_it_was_written() {
    let bare = Bare::new().await;
    verify(&bare.url)
        .await
        .says(0, &["sealed      0 rows\nnot sealed  0 rows\n"]);
    bare.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_commits_late_is_sealed_late() {
    let bare = Bare::new().await;
    let mut late = bare.db.begin().await.expect("a transaction");
    insert(&mut *late, 1).await;
    bare.write(1).await;
    let mut never = bare.db.begin().await.expect("a transaction");
    insert(&mut *never, 3).await;
    never.rollback().await.expect("it ends");
    bare.write(1).await;
    bare.seal().await;
    assert_eq!(chain(&bare.db).await, [2, 4]);
    late.commit().await.expect("it commits");
    let told = verify(&bare.url).await;
    told.says(0, &["sealed      2 rows", "not sealed  1 row, the oldest "]);
    bare.seal().await;
    assert_eq!(chain(&bare.db).await, [2, 4, 1]);
    verify(&bare.url).await.says(0, &["not sealed  0 rows\n"]);
    bare.end().await;
}

/// A worker that does nothing but seal.
fn worker(bare: &Bare) -> Worker {
    let settings = queue::Settings {
        poll_every: Duration::from_millis(10),
        ..queue::Settings::default()
    };
    Worker::new(bare.db.clone(), settings, vec![Arc::new(sealer(&bare.db))])
}

#[tokio::test(flavor = "multi_thread")]
async fn several_workers_make_one_chain() {
    let bare = Bare::new().await;
    let stop = CancellationToken::new();
    // More than one batch is there when they begin.
    bare.run("insert into audit (actor, action) select 'worker', 'step.waiting' from generate_series(1, 1200)")
        .await;
    let mut connection = bare.db.acquire().await.expect("a connection");
    enqueue::enqueue(&mut connection, SEAL_JOB, seal::KEY, Duration::ZERO)
        .await
        .expect("it is enqueued");
    drop(connection);
    let workers = (0..3).map(|_| tokio::spawn(worker(&bare).run(stop.clone())));
    let workers: Vec<_> = workers.collect();
    let writers = (0..4).map(async |writer| {
        for row in 0..25 {
            let mut transaction = bare.db.begin().await.expect("a transaction");
            insert(&mut *transaction, row).await;
            tokio::time::sleep(Duration::from_millis(
                u64::try_from(writer * 3).expect("few"),
            ))
            .await;
            transaction.commit().await.expect("it commits");
        }
    });
    join_all(writers).await;
    all_sealed(&bare.db).await;
    stop.cancel();
    join_all(workers).await;
    verify(&bare.url).await.says(0, &["sealed      1300 rows"]);
    bare.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_lease_seals_nothing() {
    let bare = Bare::new().await;
    bare.write(3).await;
    let job = bare.job().await;
    let late = Job {
        epoch: job.epoch - 1,
        ..job.clone()
    };
    let shutdown = CancellationToken::new();
    let left = sealer(&bare.db).run(&late, &shutdown).await;
    assert!(matches!(left, Ok(Left::Fenced)), "{left:?}");
    assert_eq!(chain(&bare.db).await, [0; 0]);
    bare.seal().await;
    assert_eq!(chain(&bare.db).await, [1, 2, 3]);
    // And if two thought they had it, only one could put its seal there.
    let mut connection = bare.db.acquire().await.expect("a connection");
    let now = chrono::DateTime::UNIX_EPOCH;
    let forked = seals::append(&mut connection, 3, &[(9, Hash::BEGINNING)], now).await;
    let error = forked.expect_err("the position is taken");
    assert_eq!(error.constraint(), Some("seals_pkey"));
    drop(connection);
    bare.end().await;
}

/// What a process said it had sealed, the newest last.
fn logged(path: &Path) -> Vec<Head> {
    let text = std::fs::read_to_string(path).expect("a log");
    let lines = text.lines().filter(|line| line.contains("audit.sealed"));
    let heads = lines.filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let head = line.pointer("/fields/head").or(line.get("head"));
        head?.as_str()?.parse().ok()
    });
    heads.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_while_it_seals_is_followed_by_another() {
    let app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    for row in 0..5 {
        insert(&app.db, row).await;
    }
    // The first gets as far as writing its seals.
    let mut gate = app.db.begin().await.expect("a transaction");
    sqlx::query("lock table seals in share row exclusive mode")
        .execute(&mut *gate)
        .await
        .expect("a lock");
    let mut first = Process::worker(&app);
    let until = Instant::now() + PATIENCE;
    let waits =
        "select exists (select from pg_locks where relation = 'seals'::regclass and not granted)";
    while !sqlx::query_scalar::<_, bool>(waits)
        .fetch_one(&app.db)
        .await
        .expect("an answer")
    {
        assert!(Instant::now() < until, "it does not come to seal");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.kill();
    gate.rollback().await.expect("the lock is gone");
    let log = tempfile::NamedTempFile::new().expect("a file");
    let stderr = Stdio::from(File::create(log.path()).expect("it can be written"));
    let env = [("BRICKYARD_LOG__FORMAT", "json")];
    let _second = Process::start(&app, "work", &env, stderr);
    all_sealed(&app.db).await;
    insert(&app.db, 6).await;
    all_sealed(&app.db).await;
    // The heads it logged are in the chain.
    let heads = loop {
        match logged(log.path()) {
            heads if heads.len() == 2 => break heads,
            heads => assert!(Instant::now() < until, "{heads:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((heads[0].position, heads[1].position), (5, 6));
    for head in heads {
        let noted = head.to_string();
        let told = brickyard(&app.database_url, &["audit", "verify", "--head", &noted]).await;
        told.says(0, &["noted head  is in the chain"]);
    }
    app.abandon("its audit tells of what never was").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_there_were_seals_is_sealed_too() {
    let bare = Bare::new().await;
    bare.run("drop schema public cascade; create schema public")
        .await;
    let before = tempfile::tempdir().expect("a directory");
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    for file in std::fs::read_dir(migrations).expect("migrations") {
        let file = file.expect("a file");
        if file.file_name().to_string_lossy().as_ref() < "0016" {
            std::fs::copy(file.path(), before.path().join(file.file_name())).expect("a copy");
        }
    }
    let old = Migrator::new(before.path()).await.expect("migrations");
    old.run(&bare.db).await.expect("the old schema");
    bare.write(4).await;
    // A row of somebody who is about to commit is waited for, and not forgotten.
    let mut open = bare.db.begin().await.expect("a transaction");
    insert(&mut *open, 4).await;
    let committing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        open.commit().await.expect("it commits");
    };
    let (migrated, ()) = tokio::join!(schema::migrate(&bare.db), committing);
    migrated.expect("the new schema");
    bare.write(1).await;
    bare.seal().await;
    assert_eq!(chain(&bare.db).await, [1, 2, 3, 4, 5, 6]);
    verify(&bare.url).await.says(0, &["sealed      6 rows"]);
    bare.end().await;
}
