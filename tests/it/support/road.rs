//! The road to the run's Postgres: a server that is named, a container, or the installed binaries. `TEST_POSTGRES` names
//! one; otherwise it is the first that leads somewhere. No road hangs, and a failure is one line.

use sqlx::{Connection, PgConnection};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// What a run wants, and where it may look.
pub struct Wish {
    /// `url`, `container` or `binaries`.
    pub road: Option<String>,
    /// A server that is there.
    pub url: Option<String>,
    /// The program that gets a Postgres from a Docker engine; it need not have been built.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may take.
    pub patience: Duration,
}

/// A server, and the road that led to it.
pub struct Server {
    /// Address of its superuser.
    pub url: String,
    /// The road in words, with the reason if another was meant to come first.
    pub road: String,
    _kept: Kept,
}

/// What the server lives by. It ends with this process, however that ends.
#[expect(dead_code, reason = "kept, and not looked at")]
enum Kept {
    Nothing,
    /// The program's standard input: at its end the container is removed.
    Container(OwnedFd),
    /// In a lock only because it has to be shared.
    Binaries(Mutex<simulator::postgres::Postgres>),
}

/// How long a server may take to let somebody in.
const CONNECT: Duration = Duration::from_secs(20);

impl Wish {
    /// What the environment of this run asks for.
    pub fn of_this_run() -> Wish {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let settings = simulator::postgres::SETTINGS.iter();
        let settings = settings.flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]);
        Wish {
            road: set("TEST_POSTGRES"),
            url: set("TEST_DATABASE_URL"),
            program: PathBuf::from(env!("CARGO_BIN_EXE_brickyard"))
                .with_file_name("postgres-container"),
            arguments: std::iter::once(image()).chain(settings).collect(),
            // The program's own limits are shorter, and it has more to say.
            patience: Duration::from_secs(300),
        }
    }

    /// Takes the road.
    pub async fn take(self) -> Result<Server, String> {
        match (self.road.as_deref(), &self.url) {
            (None | Some("url"), Some(url)) => {
                let words = |e| format!("TEST_DATABASE_URL: {e}");
                server(url, "TEST_DATABASE_URL".into(), Kept::Nothing)
                    .await
                    .map_err(words)
            }
            (Some("url"), None) => Err("TEST_POSTGRES=url needs TEST_DATABASE_URL".into()),
            (Some("container"), _) => {
                let words = |e| format!("TEST_POSTGRES=container: {e}");
                self.container().await.map_err(words)
            }
            (Some("binaries"), _) => binaries("installed binaries".into()).await,
            (None, None) => match self.container().await {
                Ok(server) => Ok(server),
                Err(words) => binaries(format!("installed binaries (no container: {words})")).await,
            },
            (Some(other), _) => Err(format!(
                "TEST_POSTGRES is `url`, `container` or `binaries`, not `{other}`"
            )),
        }
    }

    async fn container(&self) -> Result<Server, String> {
        if !self.program.exists() {
            return Err(
                "containers/ is not built; `make test` builds it where a Docker engine answers"
                    .into(),
            );
        }
        let mut program = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}", self.program.display()))?;
        // Dropped on every way out of here but the last: then the program ends, and cleans up first.
        let input = program.stdin.take().expect("it is piped");
        let mut output = BufReader::new(program.stdout.take().expect("it is piped"));
        let mut line = String::new();
        let said = timeout(self.patience, output.read_line(&mut line)).await;
        let Some((_, url)) = line.trim_end().split_once(' ') else {
            if said.is_err() {
                return Err(format!("none within {:?}", self.patience));
            }
            let end = timeout(CONNECT, program.wait_with_output()).await;
            let errors = end.map_or(Vec::new(), |end| end.map_or(Vec::new(), |end| end.stderr));
            return Err(String::from_utf8_lossy(&errors).trim().to_owned());
        };
        let input = input.into_owned_fd().map_err(|e| e.to_string())?;
        server(url, "a container".into(), Kept::Container(input)).await
    }
}

async fn binaries(road: String) -> Result<Server, String> {
    let postgres = simulator::postgres::Postgres::start()
        .await
        .map_err(|e| format!("{road}: {e}"))?;
    let url = postgres.url().to_owned();
    server(&url, road, Kept::Binaries(Mutex::new(postgres))).await
}

/// Nothing is a server that lets nobody in.
async fn server(url: &str, road: String, kept: Kept) -> Result<Server, String> {
    match timeout(CONNECT, PgConnection::connect(url)).await {
        Ok(Ok(_)) => Ok(Server {
            url: url.to_owned(),
            road,
            _kept: kept,
        }),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no connection within {CONNECT:?}")),
    }
}

/// The tour's image: its version stands there and nowhere else.
fn image() -> String {
    let images = include_str!("../../../docker-compose.yml")
        .lines()
        .filter_map(|line| line.trim().strip_prefix("image: "));
    let mut postgres = images.filter(|image| image.starts_with("postgres:"));
    postgres.next().expect("the tour has a Postgres").to_owned()
}
