//! `simulator`: the outside world as a program.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use simulator::postgres::Postgres;
use simulator::{Call, Fault, FaultKind, Settings, Simulator};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Plays Databricks, an OIDC issuer, DNS, Azure, Vault and AWS on the loopback.
#[derive(Parser)]
struct Arguments {
    /// Where to serve HTTP; loopback only, port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where the same is served over TLS; loopback only, port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen_tls: SocketAddr,
    /// Where the name server answers; loopback only, port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    dns: SocketAddr,
    /// Simulated seconds per real second.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Seed of ids, delays and secrets.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A JSON file with a list of faults to arm from the start.
    #[arg(long)]
    faults: Option<PathBuf>,
    /// Print the catalogue of faults and end.
    #[arg(long)]
    list_faults: bool,
    /// Start a throwaway Postgres instead, and print its process id and URL.
    #[arg(long)]
    postgres: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            // Nothing can be done about a closed stderr.
            let _ = writeln!(std::io::stderr(), "simulator: {words}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    if arguments.list_faults {
        return say(&list());
    }
    if arguments.postgres {
        let mut end = End::listen()?;
        let postgres = Postgres::start().await.map_err(|e| e.to_string())?;
        say(&format!(
            "{} {}",
            postgres.pid().unwrap_or_default(),
            postgres.url()
        ))?;
        end.came().await;
        postgres.stop().await;
        return Ok(());
    }
    let faults: Vec<Fault> = match &arguments.faults {
        None => Vec::new(),
        Some(path) => {
            let text = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
            serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))?
        }
    };
    let mut end = End::listen()?;
    let settings = Settings {
        listen: arguments.listen,
        listen_tls: arguments.listen_tls,
        dns: arguments.dns,
        speed: arguments.speed,
        seed: arguments.seed,
        faults,
    };
    let simulator = Simulator::start(settings)
        .await
        .map_err(|e| e.to_string())?;
    say(&serde_json::to_string(simulator.world()).map_err(|e| e.to_string())?)?;
    end.came().await;
    simulator.stop().await;
    Ok(())
}

/// SIGINT or SIGTERM.
struct End {
    interrupt: Signal,
    terminate: Signal,
}

impl End {
    fn listen() -> Result<End, String> {
        let listen = |kind| signal(kind).map_err(|e| e.to_string());
        Ok(End {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn came(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn say(line: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{line}").map_err(|e| e.to_string())
}

fn list() -> String {
    let lines = FaultKind::ALL.iter().map(|kind| {
        let on: Vec<_> = Call::ALL
            .iter()
            .filter(|c| kind.strikes_naturally(**c))
            .map(|c| c.name())
            .collect();
        format!("{kind}\n    {}\n    on: {}", kind.about(), on.join(", "))
    });
    lines.collect::<Vec<_>>().join("\n")
}
