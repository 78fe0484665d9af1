//! A throwaway Postgres of our own, from whatever binaries are installed.
//!
//! It listens on a free port of 127.0.0.1, has no socket directory, trusts everybody, and does not
//! care for durability. As root, the two child processes (and only they) run as `postgres` or
//! `nobody`, because Postgres refuses root. The server dies with this process, even with a killed
//! one: see `server`. Nothing is downloaded here, and no engine of containers is asked.

mod install;
mod server;

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use install::{Install, User};
use server::Server;

/// How a throwaway server is set up: room for many tests at once, and no care for durability.
pub const SETTINGS: [&str; 5] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=300",
    "log_checkpoints=off",
];

/// A running server; dropping it ends it and, if it was started in no directory of yours, removes
/// its data.
#[derive(Debug)]
pub struct Postgres {
    install: Install,
    user: Option<User>,
    data: PathBuf,
    url: String,
    port: u16,
    // Declared before the directory: the server ends first.
    server: Option<Server>,
    _directory: Option<TempDir>,
}

impl Postgres {
    /// Starts a server in a directory of its own below the system's temporary directory.
    pub async fn start() -> io::Result<Postgres> {
        blocking(|| {
            let user = User::to_drop_to()?;
            let base = temporary(user.as_ref());
            sweep(&base);
            let prefix = format!("{PREFIX}{}-", std::process::id());
            let directory = tempfile::Builder::new().prefix(&prefix).tempdir_in(base)?;
            let path = directory.path().to_owned();
            start_at(&path, user, Some(directory))
        })
        .await
    }

    /// Starts a server whose data lie below `dir` and stay there; they are used again next time. As
    /// root, `dir` has to be one that user `postgres` can reach.
    pub async fn start_in(dir: &Path) -> io::Result<Postgres> {
        let dir = std::path::absolute(dir)?;
        blocking(move || {
            std::fs::create_dir_all(&dir)?;
            start_at(&dir, User::to_drop_to()?, None)
        })
        .await
    }

    /// URL of the superuser to the database `postgres`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Process id of the server, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    /// Ends it in order: open transactions are rolled back.
    pub async fn stop(mut self) {
        let server = self.server.take();
        blocking(move || server.map_or(Ok(()), |server| server.stop("-INT")))
            .await
            .ok();
        // The removal of the data blocks too.
        tokio::task::spawn_blocking(move || drop(self)).await.ok();
    }

    /// Ends it at once, as a power cut would: the next start recovers. Clients see their connections
    /// break.
    pub async fn stop_immediate(&mut self) -> io::Result<()> {
        let server = self.server.take();
        blocking(move || server.map_or(Ok(()), |server| server.stop("-QUIT"))).await
    }

    /// Starts it again on the same port with the same data, after [`Postgres::stop_immediate`] or
    /// while it runs.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.stop_immediate().await?;
        let (install, user) = (self.install.clone(), self.user.clone());
        let (data, port) = (self.data.clone(), self.port);
        self.server =
            Some(blocking(move || Server::start(&install, user.as_ref(), &data, port)).await?);
        Ok(())
    }
}

const PREFIX: &str = "brickyard-postgres-";

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

fn start_at(dir: &Path, user: Option<User>, directory: Option<TempDir>) -> io::Result<Postgres> {
    let install = Install::find()?;
    let data = dir.join("data");
    if let (Some(user), Some(_)) = (&user, &directory) {
        user.own(dir)?;
    }
    if !data.join("PG_VERSION").exists() {
        std::fs::create_dir_all(&data)?;
        restrict(&data)?;
        if let Some(user) = &user {
            user.own(&data)?;
        }
        install.initdb(user.as_ref(), &data)?;
    }
    let mut tries = 0;
    loop {
        let port = crate::free_port()?;
        match Server::start(&install, user.as_ref(), &data, port) {
            Ok(server) => {
                return Ok(Postgres {
                    url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
                    server: Some(server),
                    _directory: directory,
                    install,
                    user,
                    data,
                    port,
                });
            }
            Err(error) if tries == 4 || !error.to_string().contains("Address already in use") => {
                return Err(error);
            }
            Err(_) => tries += 1,
        }
    }
}

fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

/// The temporary directory; another user has to be able to reach it.
fn temporary(user: Option<&User>) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let usual = std::env::temp_dir();
    let open = |dir: &Path| {
        dir.metadata()
            .is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0)
    };
    if user.is_none() || usual.ancestors().all(open) {
        usual
    } else {
        PathBuf::from("/tmp")
    }
}

/// Removes what killed processes left behind, once it is an hour old.
fn sweep(base: &Path) {
    let processes = Path::new("/proc");
    if !processes.join("self").exists() {
        return;
    }
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        let dead = owner.is_some_and(|pid| !processes.join(pid).exists());
        let old = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age.as_secs() > 3600));
        if dead && old {
            // Somebody else may sweep at the same time, or own it.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
