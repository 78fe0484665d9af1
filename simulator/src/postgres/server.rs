//! The server process, and how it comes to its end.
//!
//! It must not outlive us, even if we are killed. On Linux `setpriv --pdeathsig` asks the kernel for
//! a signal at the death of the *thread* that started the child: so a thread of its own starts it
//! and waits for it. Where there is no `setpriv`, a small shell looks every second whether we live.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::install::{Install, User, as_user};

const PATIENCE: Duration = Duration::from_secs(60);

/// A server process.
#[derive(Debug)]
pub(super) struct Server {
    pid: u32,
    ended: mpsc::Receiver<()>,
}

impl Server {
    /// Starts the server and waits until it accepts connections.
    pub(super) fn start(
        install: &Install,
        user: Option<&User>,
        data: &Path,
        port: u16,
    ) -> io::Result<Server> {
        // Below `data`, so that it goes with it.
        let log = data.join("server.log");
        let mut command = command(install, data, port);
        command
            .current_dir(data)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command.stderr(File::create(&log)?);
        as_user(&mut command, user);

        let (started, start) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        std::thread::Builder::new()
            .name("postgres".into())
            .spawn(move || {
                match command.spawn() {
                    Ok(child) => {
                        let watcher = watch_over(&child);
                        if started.send(Ok(child.id())).is_ok() {
                            wait(child);
                        }
                        if let Some(watcher) = watcher {
                            kill_watcher(watcher);
                        }
                    }
                    Err(error) => drop(started.send(Err(error))),
                }
                // Nobody may listen any more.
                let _ = end.send(());
            })?;
        let pid = start.recv().map_err(io::Error::other)??;
        let server = Server { pid, ended };
        server.await_ready(data, &log)?;
        Ok(server)
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// The server writes `ready` into the eighth line of its pid file.
    fn await_ready(&self, data: &Path, log: &Path) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let file = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            let mut lines = file.lines();
            let ours = lines
                .next()
                .is_some_and(|pid| pid.trim() == self.pid.to_string());
            if ours && lines.nth(6).is_some_and(|state| state.trim() == "ready") {
                return Ok(());
            }
            let ended = self.ended.recv_timeout(Duration::from_millis(10)).is_ok();
            if ended || Instant::now() > deadline {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                let tail: Vec<_> = log.lines().rev().take(5).collect();
                let words: Vec<_> = tail.into_iter().rev().collect();
                return Err(io::Error::other(format!(
                    "postgres did not start: {}",
                    words.join("; ")
                )));
            }
        }
    }

    /// Ends it with this signal and waits.
    pub(super) fn stop(&self, signal: &str) -> io::Result<()> {
        for (signal, patience) in [(signal, 20), ("-QUIT", 10), ("-KILL", 5)] {
            kill(signal, self.pid)?;
            match self.ended.recv_timeout(Duration::from_secs(patience)) {
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                _ => return Ok(()),
            }
        }
        Err(io::Error::new(ErrorKind::TimedOut, "postgres does not end"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(mpsc::TryRecvError::Empty) = self.ended.try_recv() {
            // It is thrown away: there is nothing to save.
            let _ = self.stop("-QUIT");
        }
    }
}

fn command(install: &Install, data: &Path, port: u16) -> Command {
    let postgres = install.program("postgres");
    let mut command = match setpriv() {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "QUIT", "--"]).arg(postgres);
            command
        }
        false => Command::new(postgres),
    };
    // Ctrl-C is for who started us: the server ends after its clients, and not with them.
    command
        .process_group(0)
        .arg("-D")
        .arg(data)
        .args(["-h", "127.0.0.1", "-k", ""])
        .args(["-p", &port.to_string()]);
    for setting in super::SETTINGS {
        command.args(["-c", setting]);
    }
    command
}

/// Whether `setpriv` is there and knows the signal of the parent's death.
fn setpriv() -> bool {
    cfg!(target_os = "linux")
        && Command::new("setpriv")
            .args(["--pdeathsig", "QUIT", "--", "true"])
            .stdin(Stdio::null())
            .output()
            .is_ok_and(|output| output.status.success())
}

fn watch_over(child: &Child) -> Option<Child> {
    if setpriv() {
        return None;
    }
    let (us, it) = (std::process::id().to_string(), child.id().to_string());
    let script = "while kill -0 \"$1\" && kill -0 \"$2\"; do sleep 1; done; kill -QUIT \"$2\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", &us, &it]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().ok()
}

fn kill_watcher(mut watcher: Child) {
    // It may have ended by itself.
    let _ = watcher.kill();
    let _ = watcher.wait();
}

fn wait(mut child: Child) {
    // An error means that it has been waited for.
    let _ = child.wait();
}

fn kill(signal: &str, pid: u32) -> io::Result<()> {
    Command::new("kill")
        .args([signal, &pid.to_string()])
        .output()
        .map(|_| ())
}
