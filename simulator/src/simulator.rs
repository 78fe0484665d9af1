//! The handle of a running simulator.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::account::workspaces;
use crate::arrivals::Arrival;
use crate::azure::AzureWorld;
use crate::certificate;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::dns;
use crate::faults::{Fault, FaultKind};
use crate::inventory::{self, Inventory};
use crate::login::LoginClient;
use crate::oidc;
use crate::server::{self, Core};
use crate::settings::Settings;
use crate::state::State;
use crate::wire::Wires;
use crate::world::World;

/// A running simulator. Clones are handles of the same one; it ends when it is stopped or when the
/// last handle is dropped.
#[derive(Clone)]
pub struct Simulator(Arc<Inner>);

struct Inner {
    core: Arc<Core>,
    world: World,
    // A runtime of its own: so stopping cuts every connection, and the runtime of a test that ends
    // does not take a shared simulator with it.
    runtime: Mutex<Option<Runtime>>,
    // Removed with the last handle.
    _authority: NamedTempFile,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl Inner {
    fn shut_down(&self) {
        let runtime = self
            .runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Simulator")
            .field(&self.0.world.account_host)
            .finish()
    }
}

impl Simulator {
    /// Starts a simulator; when this returns, it answers.
    pub async fn start(settings: Settings) -> io::Result<Simulator> {
        for address in [settings.listen, settings.listen_tls, settings.dns] {
            if !address.ip().is_loopback() {
                let words = format!("{} is not a loopback address", address.ip());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
            }
        }
        if !(settings.speed.is_finite() && (0.0..=1e6).contains(&settings.speed)) {
            let words = format!("a speed of {} is not possible", settings.speed);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("simulator")
            .enable_all()
            .build()?;
        let bound = runtime.spawn(async move {
            let (sockets, name_server) = dns::Sockets::bind(settings.dns).await?;
            let listener = TcpListener::bind(settings.listen).await?;
            let http = listener.local_addr()?;
            let listener_tls = TcpListener::bind(settings.listen_tls).await?;
            let certified = certificate::make()?;
            let mut authority = NamedTempFile::new()?;
            authority.write_all(certified.ca_pem.as_bytes())?;
            let azure = AzureWorld::new(
                http,
                listener_tls.local_addr()?,
                settings.seed,
                certified.ca_pem,
                authority.path().to_owned(),
            );
            let mut chance = Chance::new(settings.seed);
            let world = World::new(http, name_server, azure, &mut chance);
            let mut state = State::new(world.clone(), Clock::new(settings.speed), chance);
            for fault in settings.faults {
                state.faults.arm(fault);
            }
            let core = Core::new(state);
            tokio::spawn(server::serve(core.clone(), Wires::plain(listener)));
            let wires = Wires::secure(listener_tls, certified.acceptor)?;
            tokio::spawn(server::serve(core.clone(), wires));
            tokio::spawn(dns::serve(core.clone(), sockets));
            Ok::<_, io::Error>((core, world, authority))
        });
        match bound
            .await
            .map_err(io::Error::other)
            .and_then(|bound| bound)
        {
            Ok((core, world, authority)) => {
                let runtime = Mutex::new(Some(runtime));
                Ok(Simulator(Arc::new(Inner {
                    core,
                    world,
                    runtime,
                    _authority: authority,
                })))
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Addresses and credentials.
    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// A bearer token of the issuer. `iss`, `aud`, `iat` and `exp` (in an hour) are filled in where
    /// they are absent; a claim given as `null` is left out.
    pub fn mint_jwt(&self, claims: serde_json::Value) -> String {
        oidc::mint(&mut self.0.core.state(), claims)
    }

    /// The issuer signs with another key from now on; `keep` leaves the former ones published.
    pub fn rotate_issuer_key(&self, keep: bool) {
        self.0.core.state().issuer.rotate(keep);
    }

    /// Registers a client of the issuer that people log in with, or replaces it.
    pub fn register_login(&self, client: LoginClient) {
        self.0.core.state().logins.register(client);
    }

    /// Arms a fault.
    pub fn fault(&self, fault: Fault) {
        self.0.core.state().faults.arm(fault);
    }

    /// Disarms all faults. What was fixed at a workspace's birth stays.
    pub fn clear_faults(&self) {
        self.0.core.state().faults.clear();
    }

    /// Disarms the faults of one kind.
    pub fn clear_fault(&self, kind: FaultKind) {
        self.0.core.state().faults.disarm(kind);
    }

    /// How many requests and answers have come to be held, as it grows.
    pub fn holds(&self) -> watch::Receiver<u64> {
        self.0.core.holds()
    }

    /// Lets go every held request and answer.
    pub fn release(&self) {
        self.0.core.release();
    }

    /// Everything that arrived, oldest first.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.0.core.state().arrivals.clone()
    }

    /// What arrived by the client's own mistake: unknown routes, missing tokens, bodies that do not
    /// parse.
    pub fn unexpected(&self) -> Vec<Arrival> {
        self.0
            .core
            .state()
            .arrivals
            .iter()
            .filter(|a| a.mistake)
            .cloned()
            .collect()
    }

    /// Everything that exists.
    pub fn inventory(&self) -> Inventory {
        inventory::take(&self.0.core.state())
    }

    /// Seals or unseals Vault.
    pub fn set_store_sealed(&self, sealed: bool) {
        self.0.core.state().vault.sealed = sealed;
    }

    /// The account's deployment name prefix; without one, deployment names are refused.
    pub fn set_deployment_prefix(&self, prefix: Option<String>) {
        self.0.core.state().deployment_prefix = prefix;
    }

    /// Makes so many copies of the newest workspace, born now, with ids, names and building times of their own; what it was
    /// made of they share. For worlds that would take too long to fill call by call. Returns id and deployment name.
    pub fn copy_newest_workspace(&self, times: usize) -> Vec<(i64, String)> {
        workspaces::copy_newest(&mut self.0.core.state(), times)
    }

    /// Jumps the simulated clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.core.state().clock.advance(by);
    }

    /// Ends it: no connection is served any more.
    pub async fn stop(self) {
        self.0.shut_down();
    }
}
