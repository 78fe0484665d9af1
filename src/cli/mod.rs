//! The command line: what can be asked of the binary, and what needs no running service to be answered.
//!
//! Exit codes: 0 done, 1 failed, 2 the command line or the configuration is wrong.

mod audit;

use crate::app::App;
use crate::config::{self, Config, ConfigErrors};
use crate::domain::cloud::Cloud;
use crate::domain::seal::Head;
use crate::live;
use crate::store::{grants, schema};
use crate::telemetry::{self, traces::Finished};
use anyhow::Context;
use clap::{Parser, Subcommand};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The file that is read when none is named and it exists.
pub const DEFAULT_CONFIG: &str = "brickyard.toml";

/// Where the committed OpenAPI document stands.
const DOCUMENT: &str = "openapi/openapi.json";

/// Exit code for a wrong command line (clap's own) or configuration.
pub const WRONG: u8 = 2;

/// Self-service provisioning of Databricks workspaces over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "brickyard", version)]
pub struct Cli {
    /// Configuration file [default: ./brickyard.toml if it is there].
    #[arg(long, global = true, value_name = "PATH", env = "BRICKYARD_CONFIG")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve the API.
    Serve,
    /// Work on jobs.
    Work,
    /// Serve the API and work on jobs in one process.
    All,
    #[cfg(feature = "dev")]
    /// Run everything against a simulated Databricks, with a throwaway database and no configuration.
    Dev(Dev),
    /// Bring the database's schema up to date, and end.
    Migrate(Migrate),
    /// Look after the audit.
    #[command(subcommand)]
    Audit(Audit),
    /// Print the OpenAPI document.
    Openapi(Openapi),
    /// Check the configuration, tell every mistake, and end.
    CheckConfig(CheckConfig),
}

/// Arguments of `migrate`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Migrate {
    /// Also grant this role what the service needs and no more, so that it can append to the audit and not change it.
    #[arg(long, value_name = "ROLE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub grant_to: Option<String>,
}

/// What can be done with the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Audit {
    /// Check that no row of the audit was altered, removed or put in.
    Verify(Verify),
}

/// Arguments of `audit verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Verify {
    /// A head from the log (`audit.sealed`): also check that the chain still holds it.
    #[arg(long, value_name = "POSITION:HASH")]
    pub head: Option<Head>,
}

/// Arguments of `check-config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct CheckConfig {
    /// Also ask the database, the accounts, the stores and the issuers; changes nothing there.
    #[arg(long)]
    pub live: bool,
}

/// Arguments of `dev`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Dev {
    /// Print one JSON object with addresses and a token when everything runs.
    #[arg(long)]
    pub json: bool,
    /// How many simulated seconds pass in one real second.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub speed: u32,
    /// The cloud that workspaces are made on.
    #[arg(long, value_name = "CLOUD", default_value = "aws", value_parser = cloud)]
    pub cloud: Cloud,
    /// Database to use instead of a throwaway one; it is migrated.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
}

/// A cloud by its name.
fn cloud(name: &str) -> Result<Cloud, String> {
    let known = Cloud::ALL.map(Cloud::as_str).join(" or ");
    Cloud::named(name).ok_or_else(|| format!("not {known}"))
}

/// Arguments of `openapi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub struct Openapi {
    /// Compare with openapi/openapi.json instead; fail if it differs.
    #[arg(long)]
    pub check: bool,
}

impl Cli {
    /// The configuration's file: the one named, else the default one if it exists.
    pub fn config_path(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| {
            let default = PathBuf::from(DEFAULT_CONFIG);
            default.exists().then_some(default)
        })
    }

    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn load_config(&self) -> Result<Config, ConfigErrors> {
        config::load(self.config_path().as_deref(), config::environment())
    }
}

/// Does what the command line says.
///
/// # Errors
/// What `main` prints with its chain; exit code 1.
pub fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::CheckConfig(arguments) => {
            let loaded = cli.load_config();
            let told = check_config(
                &loaded,
                &mut std::io::stdout().lock(),
                &mut std::io::stderr().lock(),
            )?;
            match loaded {
                Ok(config) if arguments.live => check_live(config),
                _ => Ok(told),
            }
        }
        Command::Openapi(arguments) => openapi(*arguments),
        #[cfg(feature = "dev")]
        Command::Dev(arguments) => {
            let settings = telemetry::Settings {
                filter: if arguments.json {
                    "warn".into()
                } else {
                    "brickyard=info,warn".into()
                },
                ..telemetry::Settings::default()
            };
            telemetry::install(&settings, None)?;
            in_runtime(async |shutdown| crate::dev::run(arguments, shutdown).await)
        }
        Command::Audit(Audit::Verify(arguments)) => match cli.load_config() {
            Ok(config) => audit::verify(config, arguments.head),
            Err(errors) => wrong(errors),
        },
        Command::Serve | Command::Work | Command::All | Command::Migrate(_) => {
            let config = match cli.load_config() {
                Ok(config) => config,
                Err(errors) => return wrong(errors),
            };
            let spans = telemetry::install(&config.log, config.traces.as_ref())?;
            config.tell_warnings();
            in_runtime(async |shutdown| run_service(cli, config, spans, shutdown).await)
        }
    }
}

/// Tells what is wrong with the configuration.
fn wrong(errors: ConfigErrors) -> anyhow::Result<ExitCode> {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    Ok(check_config(&Err(errors), &mut out, &mut err)?)
}

/// Serves, works, both, or migrates.
async fn run_service(
    cli: &Cli,
    config: Config,
    spans: Option<Finished>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let (listen, metrics_listen) = (config.server.listen, config.server.metrics_listen);
    let app = Arc::new(App::new(config)?);
    if let Command::Migrate(arguments) = &cli.command {
        app.await_database(&shutdown).await;
        return migrate(&app, arguments.grant_to.as_deref()).await;
    }
    reload_on_hangup(cli, Arc::clone(&app))?;
    let run = async {
        match cli.command {
            Command::Work => {
                app.work(shutdown.clone()).await;
                Ok(())
            }
            _ => {
                let serve = app.serve(bind(listen).await?, shutdown.clone());
                match cli.command {
                    Command::Serve => serve.await,
                    _ => tokio::join!(serve, app.work(shutdown.clone())).0,
                }
            }
        }
    };
    let ended = CancellationToken::new();
    let run = async {
        let ran = match metrics_listen {
            None => run.await,
            // They can be scraped until the last job is handed back.
            Some(address) => match bind(address).await {
                Ok(listener) => tokio::select! {
                    ran = run => ran,
                    served = app.serve_metrics(listener) => served,
                },
                Err(error) => Err(error),
            },
        };
        ended.cancel();
        ran
    };
    tokio::join!(run, app.export(spans, ended.clone())).0
}

async fn migrate(app: &App, grant_to: Option<&str>) -> anyhow::Result<()> {
    schema::migrate(&app.db)
        .await
        .context("migrating the database")?;
    if let Some(role) = grant_to {
        grants::grant(&app.db, role)
            .await
            .with_context(|| format!("granting `{role}` what the service needs"))?;
        tracing::info!(role, "granted what the service needs");
    }
    Ok(())
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address}"))
}

/// Reads the configuration again at every SIGHUP, from the same file, and has the API take up what it can.
fn reload_on_hangup(cli: &Cli, app: Arc<App>) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    // Named once: a file that has gone since is a mistake, not an absent configuration.
    let path = cli.config_path();
    let serves = cli.command != Command::Work;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            if serves {
                app.reload(config::load(path.as_deref(), config::environment()));
            } else {
                tracing::info!("nothing is read again: only the API has templates and issuers");
            }
        }
    });
    Ok(())
}

/// Runs until it ends or a signal asks it to; a second signal ends the process at once.
fn in_runtime(
    run: impl AsyncFnOnce(CancellationToken) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(async move {
            for first in [true, false] {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                if !first {
                    std::process::exit(130);
                }
                tracing::info!("stopping; once more to stop at once");
                stop.cancel();
            }
        });
        run(shutdown).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the document to its file, or with `--check` compares.
fn openapi(arguments: Openapi) -> anyhow::Result<ExitCode> {
    let document = crate::http::openapi::pretty();
    if !arguments.check {
        std::fs::create_dir_all("openapi")?;
        std::fs::write(DOCUMENT, document).with_context(|| format!("writing {DOCUMENT}"))?;
        writeln!(std::io::stdout(), "{DOCUMENT} written")?;
        return Ok(ExitCode::SUCCESS);
    }
    if std::fs::read_to_string(DOCUMENT).unwrap_or_default() == document {
        writeln!(std::io::stdout(), "{DOCUMENT} is fresh")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        std::io::stderr(),
        "{DOCUMENT} is not what the handlers say; renew it with `make openapi`"
    )?;
    Ok(ExitCode::FAILURE)
}

/// `check-config --live`: what the outside says of the configuration; 1 if something of it cannot work.
fn check_live(config: Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    let findings = runtime.block_on(async {
        let app = App::new(config)?;
        anyhow::Ok(live::check(&app).await)
    })?;
    writeln!(std::io::stdout(), "\n{}", live::table(&findings))?;
    Ok(match live::cannot_work(&findings) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// `check-config`: the summary on `out` and 0, or every mistake on `err` and 2.
///
/// # Errors
/// When a stream cannot be written.
pub fn check_config(
    loaded: &Result<Config, ConfigErrors>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> std::io::Result<ExitCode> {
    match loaded {
        Ok(config) => {
            writeln!(out, "{}", config::summary(config))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(errors) => {
            writeln!(err, "{errors}{}", config::warnings(&errors.warnings))?;
            Ok(ExitCode::from(WRONG))
        }
    }
}

#[cfg(test)]
mod tests;
