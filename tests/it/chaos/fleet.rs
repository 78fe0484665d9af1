//! Replicas: real processes of the shipped binary over one database, each with an address, a log and a clock.

use super::wall_clock;
use crate::checker::history::Stop;
use crate::support::process::{PRESENT, Process, free_port};
use crate::support::{PATIENCE, TestApp};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;
use uuid::Uuid;

/// How long a replica's lease lasts.
pub const LEASE: Duration = Duration::from_secs(5);

/// How long a replica may take to stop.
pub const GRACE: Duration = Duration::from_secs(10);

/// A call that creates gives up after this.
const CREATE_TIMEOUT: Duration = Duration::from_secs(8);

/// Every other call gives up after this.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Lists must stay empty for so long. As in production, two leases are less than this and a create's time-out: who is
/// frozen for two leases in the middle of a create comes back before anybody thinks that it was never made.
pub const SETTLE: Duration = Duration::from_secs(6);

/// Addresses of the replicas, as a load balancer knows them.
pub type Addresses = Arc<Mutex<Vec<String>>>;

/// One running process.
pub struct Replica {
    /// The process.
    pub process: Process,
    /// Under which it holds leases.
    pub owner: Uuid,
}

/// A job in a process's hands.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Held {
    /// The job.
    pub id: Uuid,
    /// Under which epoch.
    pub lease_epoch: i64,
}

/// Several replicas.
pub struct Fleet {
    program: PathBuf,
    verb: &'static str,
    replicas: Vec<Replica>,
    /// By how many seconds their clocks are ahead.
    clocks: Vec<i64>,
    addresses: Addresses,
    owners: BTreeSet<Uuid>,
    logs: Vec<NamedTempFile>,
}

/// The numbers of `app` become those of the fleet's processes: the checker goes by them.
pub fn tune(app: &mut brickyard::app::App) {
    app.provisioning.settle = SETTLE;
    app.provisioning.create_timeout = CREATE_TIMEOUT;
    app.provisioning.call_timeout = CALL_TIMEOUT;
}

impl Fleet {
    /// Starts one process of this verb for each clock.
    pub async fn start(app: &TestApp, verb: &'static str, clocks: &[i64]) -> Self {
        Self::start_program(PRESENT.into(), app, verb, clocks).await
    }

    /// The same of another version.
    pub async fn start_program(
        program: PathBuf,
        app: &TestApp,
        verb: &'static str,
        clocks: &[i64],
    ) -> Self {
        let mut fleet = Self {
            program,
            verb,
            replicas: Vec::new(),
            clocks: clocks.to_vec(),
            addresses: Arc::default(),
            owners: BTreeSet::new(),
            logs: Vec::new(),
        };
        for &ahead in clocks {
            let (replica, address) = fleet.launch(app, ahead).await;
            fleet.replicas.push(replica);
            lock(&fleet.addresses).push(address);
        }
        fleet
    }

    /// Starts a process and waits until it works. The database has to be there.
    async fn launch(&mut self, app: &TestApp, ahead: i64) -> (Replica, String) {
        for _ in 0..5 {
            let listen = format!("127.0.0.1:{}", free_port());
            let log = NamedTempFile::new().expect("a file");
            let seconds = |duration: Duration| duration.as_secs().to_string();
            let mut environment = wall_clock::ahead(ahead);
            environment.extend([
                ("BRICKYARD_SERVER__LISTEN", listen.clone()),
                (
                    "BRICKYARD_SERVER__REQUESTS_PER_MINUTE",
                    "1000000".to_owned(),
                ),
                ("BRICKYARD_WORKER__LEASE_SECONDS", seconds(LEASE)),
                ("BRICKYARD_WORKER__SETTLE_SECONDS", seconds(SETTLE)),
                (
                    "BRICKYARD_WORKER__CREATE_TIMEOUT_SECONDS",
                    seconds(CREATE_TIMEOUT),
                ),
                (
                    "BRICKYARD_WORKER__CALL_TIMEOUT_SECONDS",
                    seconds(CALL_TIMEOUT),
                ),
                ("BRICKYARD_WORKER__SHUTDOWN_GRACE_SECONDS", seconds(GRACE)),
            ]);
            let environment: Vec<(&str, &str)> = environment
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let stderr = Stdio::from(log.reopen().expect("its log"));
            let mut process =
                Process::start_program(&self.program, app, self.verb, &environment, stderr);
            self.logs.push(log);
            if let Some(owner) = self.owner_of(app, &mut process).await {
                self.owners.insert(owner);
                let address = format!("http://{listen}");
                if self.program != Path::new(PRESENT) {
                    app.of_another_version(&address);
                }
                return (Replica { process, owner }, address);
            }
        }
        panic!("no replica starts: {}", self.log_of_the_last());
    }

    /// Under which id a process that has just begun holds leases: the one that is new. None if it ended, because
    /// somebody else has its port by now.
    async fn owner_of(&self, app: &TestApp, process: &mut Process) -> Option<Uuid> {
        let until = Instant::now() + PATIENCE;
        while process.runs() {
            let ids: Result<Vec<Uuid>, _> = sqlx::query_scalar("select id from processes")
                .fetch_all(&app.db)
                .await;
            let mut ids = ids.unwrap_or_default().into_iter();
            if let Some(id) = ids.find(|id| !self.owners.contains(id)) {
                return Some(id);
            }
            assert!(
                Instant::now() < until,
                "it does not work: {}",
                self.log_of_the_last()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    /// What the process that was started last has told.
    pub fn log_of_the_last(&self) -> String {
        let log = self
            .logs
            .last()
            .map(|it| std::fs::read_to_string(it.path()));
        log.map_or_else(String::new, |text| text.expect("a log"))
    }

    /// How many replicas there are.
    pub fn size(&self) -> usize {
        self.replicas.len()
    }

    /// Where they answer, as it changes.
    pub fn addresses(&self) -> Addresses {
        Arc::clone(&self.addresses)
    }

    /// One of them.
    pub fn replica(&mut self, k: usize) -> &mut Replica {
        &mut self.replicas[k]
    }

    /// Which of them holds leases under this id.
    pub fn of_owner(&self, owner: Uuid) -> Option<usize> {
        self.replicas.iter().position(|it| it.owner == owner)
    }

    /// Of which version processes are that are started from now on.
    pub fn roll_to(&mut self, program: impl Into<PathBuf>) {
        self.program = program.into();
    }

    /// Starts a process in the place of one that has ended.
    pub async fn restart(&mut self, app: &TestApp, k: usize) {
        let (replica, address) = self.launch(app, self.clocks[k]).await;
        self.replicas[k] = replica;
        lock(&self.addresses)[k] = address;
    }

    /// Tells one to stop and waits for its end; how long that took.
    pub async fn terminate(&mut self, app: &TestApp, k: usize) -> Duration {
        let replica = &mut self.replicas[k];
        let began = Instant::now();
        replica.process.signal("TERM");
        let code = replica.process.ended(PATIENCE).await;
        let took = began.elapsed();
        app.stopped(Stop {
            owner: replica.owner,
            code: code.unwrap_or(-1),
            took,
            grace: GRACE,
        });
        took
    }

    /// Ends all of them as an orchestrator does. Their logs are searched, for secrets later and for panics now.
    pub async fn end(mut self, app: &TestApp) {
        for replica in &self.replicas {
            replica.process.signal("TERM");
        }
        let began = Instant::now();
        for replica in &mut self.replicas {
            let code = replica.process.ended(PATIENCE).await;
            app.stopped(Stop {
                owner: replica.owner,
                code: code.unwrap_or(-1),
                took: began.elapsed(),
                grace: GRACE,
            });
        }
        for log in &self.logs {
            let text = std::fs::read_to_string(log.path()).expect("a log");
            let panic = text.lines().find(|line| line.contains("panicked"));
            assert_eq!(panic, None, "a replica panicked");
            app.written("a replica's log", text);
        }
    }
}

/// What is behind it, whatever became of who held it before.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The jobs in a process's hands.
pub async fn held(app: &TestApp, owner: Uuid) -> Vec<Held> {
    sqlx::query_as("select id, lease_epoch from jobs where lease_owner = $1")
        .bind(owner)
        .fetch_all(&app.db)
        .await
        .expect("the database answers")
}

/// Waits until somebody else has taken these jobs, or has ended them; how long after `since` the last of them was.
pub async fn taken_over(app: &TestApp, jobs: Vec<Held>, since: Instant) -> Option<Duration> {
    let mut left = jobs;
    let mut longest = None;
    let until = Instant::now() + PATIENCE;
    while !left.is_empty() {
        let ids: Vec<Uuid> = left.iter().map(|it| it.id).collect();
        let now: Vec<Held> = sqlx::query_as("select id, lease_epoch from jobs where id = any($1)")
            .bind(&ids)
            .fetch_all(&app.db)
            .await
            .expect("the database answers");
        let before = left.len();
        left.retain(|it| {
            now.iter()
                .any(|now| now.id == it.id && now.lease_epoch == it.lease_epoch)
        });
        if left.len() < before {
            longest = Some(since.elapsed());
        }
        assert!(Instant::now() < until, "nobody takes over: {left:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    longest
}
