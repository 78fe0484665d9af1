//! The queue by itself: how fast a backlog drains, and how soon a job starts that is put into an idle one.

use super::table::{Table, median, quantile};
use super::world::World;
use async_trait::async_trait;
use brickyard::queue::lease::{self, Release};
use brickyard::queue::worker::{Failed, Handler, Left, Worker};
use brickyard::queue::{Job, Settings, enqueue, listen};
use futures_util::future::join_all;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const KIND: &str = "bench";
const BACKLOG: usize = 5000;
const TURNS: usize = 3;
const STARTS: usize = 200;

/// Tells when it was started, and finishes the job as an operation's last checkpoint does: held, then removed.
struct Tell {
    db: PgPool,
    started: mpsc::UnboundedSender<Instant>,
}

#[async_trait]
impl Handler for Tell {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job, _: &CancellationToken) -> Result<Left, Failed> {
        let _ = self.started.send(Instant::now());
        finish(&self.db, job).await?;
        Ok(Left::Released(None))
    }
}

async fn finish(db: &PgPool, job: &Job) -> sqlx::Result<()> {
    let mut transaction = db.begin().await?;
    assert!(lease::hold(&mut transaction, job).await?);
    lease::release(&mut transaction, job, Release::Finish).await?;
    transaction.commit().await
}

pub(crate) async fn run(world: &World, table: &mut Table) {
    let app = world.app(&world.database("jobs").await);
    let (db, settings) = (app.db.clone(), app.queue.clone());
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        rates[0].push(drained(&db, &settings).await);
        rates[1].push(drained_by_statements(&db, &settings).await);
    }
    let [ours, bare] = rates.map(median);
    let how = format!("drain {BACKLOG}, {} slots", settings.slots);
    table.beside("jobs", &how, ours, bare, "/s");

    let (mut ours, mut bare) = (starts(&db, &settings).await, notifications(&db).await);
    for (what, share) in [
        ("enqueue to start, p50", 0.5),
        ("enqueue to start, p99", 0.99),
    ] {
        let (ours, bare) = (quantile(&mut ours, share), quantile(&mut bare, share));
        table.beside("jobs", what, ours, bare, "ms");
    }
}

async fn fill(db: &PgPool) {
    let mut transaction = db.begin().await.unwrap();
    for number in 0..BACKLOG {
        let key = number.to_string();
        enqueue::enqueue(&mut transaction, KIND, &key, Duration::ZERO)
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
    sqlx::query("analyze jobs").execute(db).await.unwrap();
}

fn worker(
    db: &PgPool,
    settings: &Settings,
) -> (mpsc::UnboundedReceiver<Instant>, CancellationToken) {
    let (started, starts) = mpsc::unbounded_channel();
    let handler = Tell {
        db: db.clone(),
        started,
    };
    let worker = Worker::new(db.clone(), settings.clone(), vec![Arc::new(handler)]);
    let stop = CancellationToken::new();
    tokio::spawn(worker.run(stop.clone()));
    (starts, stop)
}

/// Jobs per second of a worker.
async fn drained(db: &PgPool, settings: &Settings) -> f64 {
    fill(db).await;
    let began = Instant::now();
    let (mut starts, stop) = worker(db, settings);
    for _ in 0..BACKLOG {
        starts.recv().await.unwrap();
    }
    while left(db).await > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rate = BACKLOG as f64 / began.elapsed().as_secs_f64();
    stop.cancel();
    rate
}

/// The same statements without a worker: a batch is acquired, each job of it finished at the same time.
async fn drained_by_statements(db: &PgPool, settings: &Settings) -> f64 {
    fill(db).await;
    let (owner, kinds) = (Uuid::now_v7(), [KIND.to_owned()]);
    let began = Instant::now();
    loop {
        let jobs = lease::acquire(db, owner, &kinds, settings.slots, settings.lease)
            .await
            .unwrap();
        if jobs.is_empty() {
            return BACKLOG as f64 / began.elapsed().as_secs_f64();
        }
        for finished in join_all(jobs.iter().map(|job| finish(db, job))).await {
            finished.unwrap();
        }
    }
}

async fn left(db: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from jobs")
        .fetch_one(db)
        .await
        .unwrap()
}

/// From before the transaction that enqueues to the handler's first line, in milliseconds, the worker idle.
async fn starts(db: &PgPool, settings: &Settings) -> Vec<f64> {
    let (mut starts, stop) = worker(db, settings);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut times = Vec::new();
    for number in 0..STARTS {
        let began = Instant::now();
        let mut transaction = db.begin().await.unwrap();
        let key = format!("single-{number}");
        enqueue::enqueue(&mut transaction, KIND, &key, Duration::ZERO)
            .await
            .unwrap();
        enqueue::notify(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        let started = starts.recv().await.unwrap();
        times.push(started.duration_since(began).as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    times
}

/// From before the same transaction to the notification's arrival: no later start could be known of.
async fn notifications(db: &PgPool) -> Vec<f64> {
    let (heard, mut hears) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    tokio::spawn(listen::listen(
        db.clone(),
        enqueue::CHANNEL,
        move |_| {
            let _ = heard.send(Instant::now());
        },
        stop.clone(),
    ));
    // One when it begins to listen.
    hears.recv().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    while hears.try_recv().is_ok() {}
    let mut times = Vec::new();
    for number in 0..STARTS {
        let began = Instant::now();
        let mut transaction = db.begin().await.unwrap();
        let key = format!("heard-{number}");
        enqueue::enqueue(&mut transaction, KIND, &key, Duration::ZERO)
            .await
            .unwrap();
        enqueue::notify(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        let heard = hears.recv().await.unwrap();
        times.push(heard.duration_since(began).as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    times
}
