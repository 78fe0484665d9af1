//! The binary as a child process, for what is counted at a whole process: statements, memory, processor time.

use super::world::World;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::net::TcpStream;

pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    files: tempfile::TempDir,
}

impl Process {
    /// Starts `brickyard serve`, `all` or `work` on a database; its log goes to a file. Who works only has no address but
    /// that of its metrics.
    pub(crate) async fn start(world: &World, verb: &str, database_url: &str, log: &str) -> Self {
        let port = simulator::free_port().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let files = tempfile::tempdir().unwrap();
        let config = files.path().join("brickyard.toml");
        std::fs::write(&config, world.text(database_url)).unwrap();
        let listen = match verb {
            "work" => "BRICKYARD_SERVER__METRICS_LISTEN",
            _ => "BRICKYARD_SERVER__LISTEN",
        };
        let mut child = Command::new(env!("CARGO_BIN_EXE_brickyard"))
            .arg("--config")
            .arg(&config)
            .arg(verb)
            .env_remove("DATABASE_URL")
            .env(listen, address.to_string())
            .env("BRICKYARD_LOG__FILTER", log)
            .envs(world.limits.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(files.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        while TcpStream::connect(address).await.is_err() {
            let log = files.path().join("log");
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{}", std::fs::read_to_string(log).unwrap());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self {
            address,
            child,
            files,
        }
    }

    /// Lines of its log that say this.
    pub(crate) fn lines_with(&self, text: &str) -> usize {
        let log = std::fs::read_to_string(self.files.path().join("log")).unwrap();
        log.lines().filter(|line| line.contains(text)).count()
    }

    /// The most memory it has held so far, in MiB.
    pub(crate) fn peak_memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kib / 1024.0
    }

    /// Processor time it has used so far, in seconds.
    pub(crate) fn processor_time(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name in parentheses may hold anything; utime and stime are the 14th and 15th field, in 1/100 s.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(2);
        ticks
            .map(|ticks| ticks.parse::<f64>().unwrap())
            .sum::<f64>()
            / 100.0
    }

    /// Stops it in order.
    pub(crate) async fn stop(mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        tokio::task::spawn_blocking(move || self.child.wait().unwrap())
            .await
            .unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
