//! The composition root: settings become a pool, providers, stores and a verifier, and those become running tasks.
//! Also the order in which they stop, and what they take up while they run (`reload`).

mod reload;

use crate::auth::{Fetch, Login, Verifier};
use crate::clock::Clock;
use crate::cloud::{self, Provider, Timeouts};
use crate::config::{Config, DatabaseSettings};
use crate::http::metrics::Scrape;
use crate::http::operations::Changes;
use crate::outbound::Outbound;
use crate::provisioning::admission::{self, Admission};
use crate::provisioning::engine::Engine;
use crate::provisioning::expire::Expiry;
use crate::provisioning::observe::Observer;
use crate::provisioning::seal::Sealer;
use crate::provisioning::standing;
use crate::provisioning::sweep::Sweeper;
use crate::provisioning::{self, Provisioning};
use crate::queue;
use crate::queue::worker::{Handler, Worker};
use crate::secrets::SecretStore;
use crate::telemetry::traces::Finished;
use crate::{http, secrets};
use anyhow::Context;
use reload::Current;
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Between SIGTERM and the end of listening: load balancers see `/readyz` red first.
const DRAIN: Duration = Duration::from_secs(5);

/// A pooled connection that was idle for longer is asked whether it is still there.
const UNPROVED: Duration = Duration::from_secs(10);

/// The service before it runs. The numbers may be changed until then; `dev` and tests do.
pub struct App {
    /// What was configured.
    pub config: Config,
    /// Numbers of the queue.
    pub queue: queue::Settings,
    /// Numbers of the work.
    pub provisioning: provisioning::Settings,
    /// How long a stopping API goes on answering while it says that it is not ready.
    pub drain: Duration,
    /// What can be set about the API.
    pub http: http::Settings,
    /// Wall clock.
    pub clock: Clock,
    /// The database; connected when first used.
    pub db: PgPool,
    outbound: Outbound,
    current: watch::Sender<Arc<Current>>,
}

impl App {
    /// Builds the parts. Connects to nothing.
    ///
    /// # Errors
    /// When the database's address or the TLS set-up is wrong.
    pub fn new(config: Config) -> anyhow::Result<Self> {
        // The crypto provider may have been installed already, by a test's other app.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let worker = &config.worker;
        let queue = queue::Settings {
            slots: usize::try_from(worker.slots)?,
            lease: seconds(worker.lease_seconds),
            renew_every: seconds(worker.renew_seconds),
            poll_every: seconds(worker.poll_seconds),
            grace: seconds(worker.shutdown_grace_seconds),
        };
        let provisioning = provisioning::Settings {
            instance: config.instance.clone(),
            create_timeout: seconds(worker.create_timeout_seconds),
            call_timeout: seconds(worker.call_timeout_seconds),
            settle: seconds(worker.settle_seconds),
            not_yet_budget: seconds(worker.not_yet_seconds),
            store_retry: seconds(worker.store_retry_seconds),
            max_claims: i32::try_from(worker.max_claims)?,
            record_within: seconds(worker.lease_seconds),
            observe_fast: seconds(worker.observe_fast_seconds),
            observe_slow: seconds(worker.observe_slow_seconds),
            observe_fast_after: seconds(worker.observe_fast_after_seconds),
            seal_every: seconds(worker.seal_seconds),
            sweep: config.sweep.settings(),
            ..provisioning::Settings::default()
        };
        Ok(Self {
            db: pool(&config.database)?,
            outbound: Outbound::new(config.outbound.clone())?,
            queue,
            provisioning,
            drain: DRAIN,
            http: http::Settings {
                docs: config.server.docs,
                docs_token: config.server.docs_token.clone(),
                metrics: config.server.metrics_listen.is_none(),
                public_url: http::PublicUrl::new(config.server.public_url.as_deref()),
                require_idempotency_key: config.server.require_idempotency_key,
                require_if_match: config.server.require_if_match,
                limits: http::Limits {
                    body_bytes: config.server.max_body_bytes,
                    handler: seconds(config.server.request_timeout_seconds),
                    requests_per_minute: config.server.requests_per_minute,
                    admission: admission::Limits {
                        queued_per_account: config.server.max_queued_per_account,
                        oldest: seconds(config.server.max_queue_seconds),
                    },
                    ..http::Limits::default()
                },
            },
            clock: Clock::system(),
            current: watch::Sender::new(Current::first(&config)),
            config,
        })
    }

    /// Waits until the database answers, saying so in the log.
    pub async fn await_database(&self, shutdown: &CancellationToken) {
        let mut pause = Duration::from_millis(250);
        while let Err(error) = self.db.acquire().await {
            tracing::warn!(%error, "the database does not answer; waiting for it");
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(5)),
            }
        }
    }

    /// Serves the API until `shutdown`: then `/readyz` is red while requests are still answered, then the listener
    /// closes and running requests end, for as long as a worker may take to hand back what it holds.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> anyhow::Result<()> {
        let (verifier, templates, following) = self.follow();
        let login = Login::of(&self.config.issuers).map(Arc::new);
        let fetch: Arc<dyn Fetch> = Arc::new(self.outbound.clone());
        let finding = login.clone();
        let finding = finding.map(|login| tokio::spawn(async move { login.find(fetch).await }));
        let changes = Changes::default();
        let listening = tokio::spawn(changes.clone().listen(self.db.clone(), shutdown.clone()));
        let state = http::Http {
            db: self.db.clone(),
            verifier,
            login,
            document: Arc::default(),
            templates,
            clock: self.clock.clone(),
            settings: Arc::new(self.http.clone()),
            changes,
            scrape: Scrape::new(self.db.clone()),
            admission: Arc::new(Admission::new(self.http.limits.admission.clone())),
            shutdown: shutdown.clone(),
        };
        let (drain, grace) = (self.drain, self.queue.grace);
        let stopping = shutdown.clone();
        let overdue = async move {
            shutdown.cancelled().await;
            tokio::time::sleep(drain + grace).await;
        };
        tracing::info!(address = %listener.local_addr()?, "serving the API");
        let close = async move {
            stopping.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        let router = http::router(state);
        http::serve(listener, router, &self.http.limits, close, overdue).await;
        listening.abort();
        if let Some(finding) = finding {
            finding.abort();
        }
        following.abort();
        Ok(())
    }

    /// Serves metrics at an address of their own, for as long as it is asked to.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve_metrics(&self, listener: TcpListener) -> anyhow::Result<()> {
        tracing::info!(address = %listener.local_addr()?, "serving metrics");
        let router = http::metrics::router(Scrape::new(self.db.clone()));
        axum::serve(listener, router)
            .await
            .context("serving metrics")
    }

    /// Sends finished spans to the configured collector, until `ended` and then what is left. Without either, nothing.
    pub async fn export(&self, finished: Option<Finished>, ended: CancellationToken) {
        #[cfg(feature = "otlp")]
        if let (Some(finished), Some(traces)) = (finished, &self.config.traces) {
            let exporter = crate::traces::Exporter {
                outbound: self.outbound.clone(),
                endpoint: traces.endpoint.clone(),
                instance: self.config.instance.clone(),
            };
            exporter.run(finished, ended).await;
        }
        // The configuration has refused to name a collector.
        #[cfg(not(feature = "otlp"))]
        drop((finished, ended));
    }

    /// Works on jobs until `shutdown`, then hands back what it holds.
    pub async fn work(&self, shutdown: CancellationToken) {
        self.await_database(&shutdown).await;
        let provisioning = self.provisioning();
        let worker = Worker::new(self.db.clone(), self.queue.clone(), handlers(&provisioning));
        let ensuring = standing::ensure(&provisioning, &shutdown);
        tokio::join!(worker.run(shutdown.clone()), ensuring);
    }

    /// What runs the jobs of each kind, for whoever decides himself which job runs when.
    pub fn handlers(&self) -> Vec<Arc<dyn Handler>> {
        handlers(&self.provisioning())
    }

    fn provisioning(&self) -> Arc<Provisioning> {
        Arc::new(Provisioning {
            db: self.db.clone(),
            clock: self.clock.clone(),
            settings: self.provisioning.clone(),
            providers: self.providers(),
            stores: self.stores(),
        })
    }

    /// Checks bearer tokens of the current issuers.
    pub(crate) fn verifier(&self) -> Verifier {
        let issuers = self.current.borrow().issuers.clone();
        let fetch = Arc::new(self.outbound.clone());
        Verifier::new(issuers, fetch, self.clock.clone())
    }

    /// The configured accounts by name.
    pub(crate) fn providers(&self) -> HashMap<String, Arc<dyn Provider>> {
        let timeouts = Timeouts {
            create: seconds(self.config.worker.create_timeout_seconds),
            call: seconds(self.config.worker.call_timeout_seconds),
        };
        let accounts = self.config.accounts.iter();
        accounts
            .map(|(name, account)| (name.clone(), cloud::open(account, timeouts, &self.outbound)))
            .collect()
    }

    /// The configured secret stores by name.
    pub(crate) fn stores(&self) -> HashMap<String, Arc<dyn SecretStore>> {
        let stores = self.config.stores.iter();
        stores
            .map(|(name, store)| (name.clone(), secrets::open(store, &self.outbound)))
            .collect()
    }
}

fn handlers(provisioning: &Arc<Provisioning>) -> Vec<Arc<dyn Handler>> {
    vec![
        Arc::new(Engine(Arc::clone(provisioning))),
        Arc::new(Observer(Arc::clone(provisioning))),
        Arc::new(Expiry(Arc::clone(provisioning))),
        Arc::new(Sweeper(Arc::clone(provisioning))),
        Arc::new(Sealer(Arc::clone(provisioning))),
    ]
}

fn seconds(n: u32) -> Duration {
    Duration::from_secs(n.into())
}

/// The pool, with the session limits that keep one bad statement from holding the others up.
fn pool(settings: &DatabaseSettings) -> anyhow::Result<PgPool> {
    let options = PgConnectOptions::from_str(settings.url.expose_secret())
        .context("the database's address")?
        .application_name("brickyard")
        .options([
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "10s"),
        ]);
    Ok(PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(seconds(settings.acquire_timeout_seconds))
        // A ping before each statement would double them; a connection that was used a moment ago is there.
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for > UNPROVED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options))
}
