//! The service as a child process: started, heard, stopped.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// How long it may take to stop before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// Lines of its log that are kept to be shown if something goes wrong.
const KEPT: usize = 30;

pub(crate) struct Service {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    log: Arc<Mutex<VecDeque<String>>>,
}

impl Service {
    /// Starts the program named on the command line, or the one built beside this one.
    pub(crate) fn start() -> Result<Self> {
        let path = match std::env::args_os().nth(1) {
            Some(path) => PathBuf::from(path),
            // target/debug/examples/demo, target/debug/brickyard
            None => {
                let here = std::env::current_exe()?;
                let built = here
                    .ancestors()
                    .nth(2)
                    .context("this program stands in no directory")?;
                built.join("brickyard")
            }
        };
        let mut command = Command::new(&path);
        let cloud = std::env::var("CLOUD").unwrap_or_default();
        let cloud = Some(cloud).filter(|it| !it.is_empty());
        let cloud = cloud.unwrap_or_else(|| "aws".to_owned());
        command
            .args(["dev", "--json", "--cloud", &cloud])
            .kill_on_drop(true);
        // Where an error was made is not what a reader of its sentence asks.
        command.env("RUST_LIB_BACKTRACE", "0");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", path.display()))?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let log = Arc::default();
        tokio::spawn(keep(
            child.stderr.take().context("no standard error")?,
            Arc::clone(&log),
        ));
        Ok(Self { child, output, log })
    }

    /// The line it prints once everything is up.
    pub(crate) async fn world(&mut self) -> Result<Value> {
        let Some(line) = self.output.next_line().await? else {
            let status = self.child.wait().await?;
            bail!("the service ended before it was up ({status})");
        };
        serde_json::from_str(&line)
            .with_context(|| format!("the service said {line:?}, which is not JSON"))
    }

    /// Stops it as Ctrl-C does; an error if it does not end well. `tell` shows the end of its log in any case.
    pub(crate) async fn stop(mut self, tell: bool) -> Result<()> {
        let ended = self.end().await;
        if tell || ended.is_err() {
            let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            for line in log.iter() {
                // Nothing can be done about a closed standard error.
                let _ = writeln!(std::io::stderr(), "  | {line}");
            }
        }
        ended
    }

    async fn end(&mut self) -> Result<()> {
        if let Some(pid) = self.child.id() {
            let pid = pid.to_string();
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .await
                .context("`kill` cannot be started")?;
        }
        match tokio::time::timeout(GRACE, self.child.wait()).await {
            Ok(status) => {
                let status = status?;
                anyhow::ensure!(status.success(), "the service ended with {status}");
                Ok(())
            }
            Err(_) => {
                self.child.kill().await?;
                bail!(
                    "the service did not stop within {} s and was killed",
                    GRACE.as_secs()
                )
            }
        }
    }
}

async fn keep(stream: impl AsyncRead + Unpin, log: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == KEPT {
            log.pop_front();
        }
        log.push_back(line);
    }
}
