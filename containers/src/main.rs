//! `postgres-container IMAGE [ARGUMENT…]`: a throwaway Postgres from a Docker engine, for the tests.
//!
//! Once the server accepts connections it prints one line, `<id of the container> <url of the superuser>`. It removes the
//! container when its own standard input ends, or at SIGINT and SIGTERM: who starts it holds the other end of that pipe,
//! so that a killed caller ends it too. Only if this program itself is killed, the container stays. The arguments go to
//! the server. Everything has a time limit, and what fails is told in one line.

use std::io::Write;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use testcontainers::bollard::models::PortBinding;
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// An engine that takes longer to say that it is there is none.
const ENGINE: Duration = Duration::from_secs(10);
/// From the container's start until the server is ready.
const START: Duration = Duration::from_secs(60);
/// All of it, with an image that has to be pulled.
const WHOLE: Duration = Duration::from_secs(240);

const PORT: u16 = 5432;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            let words = words.lines().collect::<Vec<_>>().join(" ");
            // Nothing can be done about a closed stderr.
            let _ = writeln!(std::io::stderr(), "{words}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Vec<String>) -> Result<(), String> {
    let (image, arguments) = arguments
        .split_first()
        .ok_or("usage: postgres-container IMAGE [ARGUMENT…]")?;
    let (name, tag) = image
        .rsplit_once(':')
        .ok_or_else(|| format!("{image} has no tag"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;

    find_engine().await?;
    // An end that comes during the start waits for it: a start that is broken off can leave a container.
    let container = timeout(WHOLE, start(name, tag, arguments))
        .await
        .map_err(|_| format!("{image} did not start within {} s", WHOLE.as_secs()))??;
    let port = container
        .get_host_port_ipv4(PORT.tcp())
        .await
        .map_err(|e| e.to_string())?;
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|e| {
            format!("port {port} of the container: {e}; is the engine on this machine?")
        })?;
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    writeln!(std::io::stdout(), "{} {url}", container.id()).map_err(|e| e.to_string())?;

    let mut input = tokio::io::stdin();
    let mut ignored = [0; 64];
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            read = input.read(&mut ignored) => if matches!(read, Ok(0) | Err(_)) { break },
        }
    }
    container.rm().await.map_err(|e| e.to_string())?;
    // A thread that reads standard input would hold up the runtime's end until that ends.
    std::process::exit(0)
}

async fn find_engine() -> Result<(), String> {
    let words = |e: &dyn std::fmt::Display| format!("no Docker engine answers: {e}");
    let engine = docker_client_instance().await.map_err(|e| words(&e))?;
    match timeout(ENGINE, engine.ping()).await {
        Ok(answer) => answer.map(drop).map_err(|e| words(&e)),
        Err(_) => Err(words(&format!("nothing within {} s", ENGINE.as_secs()))),
    }
}

async fn start(
    name: &str,
    tag: &str,
    arguments: &[String],
) -> Result<ContainerAsync<GenericImage>, String> {
    GenericImage::new(name, tag)
        .with_exposed_port(PORT.tcp())
        // The server that the image starts while it makes the database writes to the other stream.
        .with_wait_for(WaitFor::message_on_stderr(
            "database system is ready to accept connections",
        ))
        .with_startup_timeout(START)
        .with_env_var("POSTGRES_HOST_AUTH_METHOD", "trust")
        .with_cmd(arguments)
        .with_host_config_modifier(|config| {
            // It trusts everybody: so it is on the loopback only, at a port of the engine's choice.
            let loopback = PortBinding {
                host_ip: Some(Ipv4Addr::LOCALHOST.to_string()),
                host_port: None,
            };
            config.publish_all_ports = Some(false);
            config.port_bindings = Some([(format!("{PORT}/tcp"), Some(vec![loopback]))].into());
            // A container that does not start, or whose server ends, is not kept.
            config.auto_remove = Some(true);
        })
        .start()
        .await
        .map_err(|e| e.to_string())
}
