//! Building the copy's tests, and running some of them.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How the copy is built.
pub struct Cargo {
    /// The copy.
    pub checkout: PathBuf,
    /// What is built of it.
    pub target: PathBuf,
    /// A Postgres with the schema in it, for the queries, and for the tests.
    pub database: String,
}

/// What became of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was stopped.
    Endless,
}

impl Cargo {
    /// Builds the integration tests, or those of the library; the program.
    pub async fn build(&self, lib: bool) -> Result<PathBuf> {
        let mut command = Command::new("cargo");
        command
            .args(["test", "--locked", "--quiet", "--no-run"])
            .args(["--message-format", "json-render-diagnostics"])
            .args(if lib {
                vec!["--lib"]
            } else {
                vec!["--test", "it"]
            })
            .current_dir(&self.checkout)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("DATABASE_URL", &self.database)
            .env("SQLX_OFFLINE", "false")
            .kill_on_drop(true);
        let built = command.output().await.context("cargo")?;
        if !built.status.success() {
            let errors = String::from_utf8_lossy(&built.stderr);
            bail!("it does not compile:\n{errors}");
        }
        let messages = String::from_utf8(built.stdout)?;
        let messages = messages.lines().map(serde_json::from_str);
        let wanted = if lib { "brickyard" } else { "it" };
        let mut programs = messages.filter_map(|message: Result<serde_json::Value, _>| {
            let message = message.ok()?;
            let is_test = message["profile"]["test"] == true && message["target"]["name"] == wanted;
            message["executable"]
                .as_str()
                .filter(|_| is_test)
                .map(PathBuf::from)
        });
        programs.next_back().context("cargo names no test program")
    }

    /// Runs these tests and no others: what became of them, and what they said. An error if one of them is not there.
    pub async fn test(
        &self,
        program: &Path,
        names: &[&str],
        limit: Duration,
    ) -> Result<(Ran, String)> {
        let child = Command::new(program)
            .arg("--exact")
            .args(names)
            .current_dir(&self.checkout)
            .env("TEST_DATABASE_URL", &self.database)
            .env("TEST_POSTGRES", "url")
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // It starts processes of its own, which end with it.
            .process_group(0)
            .spawn()
            .context("the test program")?;
        let group = child.id();
        let Ok(ended) = timeout(limit, child.wait_with_output()).await else {
            if let Some(group) = group {
                let group = format!("-{group}");
                let mut kill = Command::new("kill");
                kill.args(["-KILL", "--", &group]).status().await?;
            }
            return Ok((Ran::Endless, String::new()));
        };
        let ended = ended?;
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        if !said.contains(&format!("running {} test", names.len())) {
            bail!("not all of these tests are there: {names:?}");
        }
        if ended.status.success() {
            return Ok((Ran::Passed, said));
        }
        // Not a program that broke down before or after.
        let failed = |name: &&&str| said.contains(&format!("test {name} ... FAILED"));
        if names.iter().find(failed).is_none() {
            bail!("it neither passed nor failed:\n{said}");
        }
        Ok((Ran::Failed, said))
    }
}
