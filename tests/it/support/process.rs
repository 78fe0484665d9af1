//! The real binary as a child process, for what only a real process can show: being killed.

use super::TestApp;
use brickyard::dev;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The binary of this version.
pub const PRESENT: &str = env!("CARGO_BIN_EXE_brickyard");

/// A running `brickyard` process; killed when dropped.
pub struct Process {
    child: Child,
    config: tempfile::NamedTempFile,
}

impl Process {
    /// Starts `brickyard work` in the world of `app`, with a short lease.
    pub fn worker(app: &TestApp) -> Self {
        Self::start(app, "work", &[], Stdio::null())
    }

    /// Starts a verb with settings from the environment, its log going to `log`.
    pub fn start(app: &TestApp, verb: &str, env: &[(&str, &str)], log: Stdio) -> Self {
        Self::start_program(Path::new(PRESENT), app, verb, env, log)
    }

    /// The same of another version.
    pub fn start_program(
        program: &Path,
        app: &TestApp,
        verb: &str,
        env: &[(&str, &str)],
        log: Stdio,
    ) -> Self {
        let quick = "[worker]\nlease_seconds = 5\nrenew_seconds = 1\npoll_seconds = 1\nsettle_seconds = 2\n\
             create_timeout_seconds = 5\ncall_timeout_seconds = 5\nobserve_fast_seconds = 1\n\
             observe_slow_seconds = 1\nseal_seconds = 1\nshutdown_grace_seconds = 6\n";
        let config = tempfile::NamedTempFile::new().expect("a file");
        let text = dev::configuration_on(
            app.cloud,
            app.simulator.world(),
            &app.database_url,
            &app.template,
            quick,
        );
        let text = app.store.in_configuration(&text, app.simulator.world());
        std::fs::write(config.path(), text).expect("it can be written");
        let child = Command::new(program)
            .args(["--config", &config.path().display().to_string(), verb])
            .env_remove("DATABASE_URL")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        Self { child, config }
    }

    /// Its configuration file.
    pub fn config(&self) -> &Path {
        self.config.path()
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_none()
    }

    /// SIGKILL: no instruction of it runs after this.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// A signal by name, `TERM` or `STOP` or `CONT` or `HUP`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([format!("-{name}"), pid])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for its end, for no longer than this; the exit code.
    pub async fn ended(&mut self, within: Duration) -> Option<i32> {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status.code();
            }
            if Instant::now() >= until {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for its end; the exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of the loopback for a server that has to be told one.
pub fn free_port() -> u16 {
    simulator::free_port().expect("a port")
}
