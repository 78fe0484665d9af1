//! Azure Key Vault: the simulator's part, over TLS and at names that only its DNS server knows.

mod logins;

use super::{arrived, contract, value};
use async_trait::async_trait;
use brickyard::azure::{self, Proof};
use brickyard::domain::problem::Code;
use brickyard::outbound::{self, Authorities, Outbound};
use brickyard::secrets::azure_key_vault::{AzureKeyVault, Settings};
use brickyard::secrets::{
    Checked, Metadata, Result, SecretStore, SecretValue, StoreFailure, Stored, Version,
};
use secrecy::SecretString;
use simulator::{Call, Fault, FaultKind, Simulator, World};
use std::time::Duration;

/// A world in which deleting and recovering take some hundredths of a second.
async fn simulator() -> Simulator {
    let settings = simulator::Settings {
        speed: 100.0,
        ..simulator::Settings::default()
    };
    Simulator::start(settings).await.unwrap()
}

fn outbound(world: &World) -> Outbound {
    Outbound::new(outbound::Settings {
        dns_servers: vec![world.dns],
        authorities: Authorities::from_pem(world.azure.ca_pem.as_bytes()).unwrap(),
        ..outbound::Settings::default()
    })
    .unwrap()
}

fn identity(world: &World, proof: Proof) -> azure::Settings {
    azure::Settings {
        authority_host: world.azure.authority_host.clone(),
        tenant_id: world.azure.tenant_id.clone(),
        client_id: Some(world.azure.client_id.clone()),
        proof,
        timeout: Duration::from_secs(5),
    }
}

fn settings(world: &World) -> Settings {
    let secret = world.azure.client_secret.clone().into();
    Settings {
        vault_url: world.azure.vault_url.clone(),
        prefix: "brickyard/".to_owned(),
        purge: false,
        identity: identity(world, Proof::ClientSecret(secret)),
    }
}

fn store(world: &World) -> AzureKeyVault {
    AzureKeyVault::new(settings(world), outbound(world))
}

fn purging(world: &World) -> Patient {
    let settings = Settings {
        purge: true,
        ..settings(world)
    };
    Patient(AzureKeyVault::new(settings, outbound(world)))
}

fn newer() -> SecretString {
    "dapi-newer".to_owned().into()
}

fn with(token: &SecretString) -> SecretValue<'_> {
    let host = "https://dbc-1.example";
    SecretValue { host, token }
}

async fn known(store: &dyn SecretStore, path: &str) -> Stored {
    store.metadata(path).await.unwrap().unwrap()
}

/// A caller that waits while a name is held by what is being deleted or recovered, as a step does.
struct Patient(AzureKeyVault);

/// Repeats a call that says "wait".
macro_rules! waits {
    ($call:expr) => {{
        let mut left = 200;
        loop {
            match $call.await {
                Err(error) if error.failure == StoreFailure::Unavailable && left > 0 => left -= 1,
                ended => return ended,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }};
}

#[async_trait]
impl SecretStore for Patient {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn compares(&self) -> bool {
        self.0.compares()
    }

    fn restores(&self) -> bool {
        self.0.restores()
    }

    async fn check(&self, path: &str) -> Result<Checked> {
        waits!(self.0.check(path))
    }

    async fn put(
        &self,
        path: &str,
        value: SecretValue<'_>,
        expected: Option<&Version>,
    ) -> Result<Version> {
        let (host, token) = (value.host, value.token);
        waits!(self.0.put(path, SecretValue { host, token }, expected))
    }

    async fn put_metadata(&self, path: &str, metadata: &Metadata) -> Result<()> {
        waits!(self.0.put_metadata(path, metadata))
    }

    async fn metadata(&self, path: &str) -> Result<Option<Stored>> {
        waits!(self.0.metadata(path))
    }

    async fn delete(&self, path: &str) -> Result<()> {
        waits!(self.0.delete(path))
    }
}

fn nothing_unexpected(simulator: &Simulator) {
    let unexpected = simulator.unexpected();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    assert_eq!(arrived(simulator, Call::StoreGet), 0, "no value is read");
}

#[tokio::test]
async fn the_simulator_keeps_the_contract() {
    let simulator = simulator().await;
    let store = purging(simulator.world());
    assert_eq!(store.kind(), "azure_key_vault");
    contract::keeps(&store).await;
    contract::lets_one_win(&store).await;
    let left = simulator.inventory();
    assert!(left.secrets.is_empty() && left.deleted_secrets.is_empty());
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn trouble_is_told_apart() {
    let simulator = simulator().await;
    let store = store(simulator.world());
    contract::tells_trouble_apart(&store, &simulator).await;

    simulator.fault(Fault::new(FaultKind::StoreDenied).times(1));
    let told = store.check("a/b").await.unwrap_err().explanation;
    assert_eq!(told.code, Code::SecretStoreDenied);
    assert!(told.hint.unwrap().contains("Key Vault Secrets Officer"));
    let upstream = told.upstream.unwrap();
    assert_eq!(
        upstream.error_code.as_deref(),
        Some("Forbidden/ForbiddenByRbac")
    );
    let busy = Fault::new(FaultKind::EntraError).times(1);
    simulator.fault(busy.on(Call::EntraToken));
    let fresh = self::store(simulator.world());
    let error = fresh.check("a/b").await.unwrap_err();
    assert_eq!(error.failure, StoreFailure::Unavailable, "{error}");
    assert!(error.explanation.detail.contains("AADSTS90033"), "{error}");
}

/// The answer is lost, or the value never arrives: whoever puts again ends with one version more, or none.
#[tokio::test]
async fn a_put_whose_answer_was_lost_is_known_again() {
    let simulator = simulator().await;
    let store = store(simulator.world());
    let newer = newer();
    let first = store.put("a/b", value(), None).await.unwrap();
    let lost = Fault::new(FaultKind::AnswerLost).on(Call::StorePut);
    simulator.fault(lost.times(1));
    let error = store.put("a/b", with(&newer), Some(&first)).await;
    assert_eq!(error.unwrap_err().failure, StoreFailure::Unknown);
    // Whoever does not look first ends well too.
    let second = store.put("a/b", with(&newer), Some(&first)).await.unwrap();
    assert_ne!(first, second);
    let again = store.put("a/b", with(&newer), Some(&second)).await.unwrap();
    assert_eq!(again, second);
    let secrets = simulator.inventory().secrets;
    let versions: Vec<usize> = secrets.values().map(|it| it.versions.len()).collect();
    assert_eq!(versions, [2]);
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn many_versions_are_read_page_by_page() {
    let simulator = simulator().await;
    let store = store(simulator.world());
    let mut seen = None;
    for n in 0..30 {
        let token = format!("dapi-{n}").into();
        let put = store.put("a/b", with(&token), seen.as_ref()).await;
        seen = Some(put.unwrap());
    }
    assert_eq!(known(&store, "a/b").await.current, seen);
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn a_deleted_secret_of_ours_is_recovered_before_it_is_written() {
    let simulator = simulator().await;
    let store = store(simulator.world());
    let first = store.put("a/b", value(), None).await.unwrap();
    store.delete("a/b").await.unwrap();
    store.delete("a/b").await.unwrap();
    assert_eq!(store.metadata("a/b").await.unwrap(), None);
    // Whoever did not look is told to wait, whatever the name is held by.
    let settle = || tokio::time::sleep(Duration::from_millis(60));
    settle().await;
    let newer = newer();
    let error = store.put("a/b", with(&newer), None).await.unwrap_err();
    assert_eq!(error.failure, StoreFailure::Unavailable, "{error}");
    assert!(error.explanation.detail.contains("being recovered"));
    let store = Patient(store);
    let late = store.put("a/b", with(&newer), None).await.unwrap_err();
    assert_eq!(late.failure, StoreFailure::Moved, "{late}");
    let seen = known(&store, "a/b").await;
    assert_eq!(seen.current, Some(first.clone()));
    let second = store.put("a/b", with(&newer), Some(&first)).await.unwrap();
    assert_eq!(known(&store, "a/b").await.current, Some(second));

    // The check before a token is minted brings nothing back: nobody would remove it if no token came.
    store.delete("a/b").await.unwrap();
    settle().await;
    store.0.check("a/b").await.unwrap();
    settle().await;
    assert_eq!(store.metadata("a/b").await.unwrap(), None);
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn a_deleted_secret_of_somebody_else_is_left_alone() {
    let simulator = simulator().await;
    let world = simulator.world();
    let store = store(world);
    let theirs = Theirs::new(world).await;
    theirs.put("brickyard--a--b", "x").await;
    let seen = known(&store, "a/b").await;
    assert_eq!((seen.metadata, seen.current.is_some()), (None, true));
    theirs.delete("brickyard--a--b").await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    for error in [
        store.check("a/b").await.err(),
        store.put("a/b", value(), None).await.err(),
    ] {
        let error = error.unwrap();
        assert_eq!(
            (error.failure, error.explanation.code),
            (StoreFailure::Denied, Code::SecretPathTaken),
            "{error}"
        );
    }
    purging(world).delete("a/b").await.unwrap();
    let left = simulator.inventory().deleted_secrets;
    assert_eq!(left, ["brickyard--a--b"]);
}

/// Somebody else with the same rights, who knows nothing of us.
struct Theirs {
    outbound: Outbound,
    vault: String,
    token: SecretString,
}

impl Theirs {
    async fn new(world: &World) -> Self {
        let outbound = outbound(world);
        let secret = world.azure.client_secret.clone().into();
        let identity = identity(world, Proof::ClientSecret(secret));
        let identity = azure::Identity::new(identity, outbound.clone());
        let token = identity.token("https://vault.azure.net").await.unwrap();
        Self {
            outbound,
            vault: world.azure.vault_url.clone(),
            token: token.value,
        }
    }

    async fn call(&self, verb: outbound::Verb, name: &str, body: outbound::Body) {
        let request = outbound::Request {
            service: "test",
            verb,
            url: format!("{}/secrets/{name}?api-version=7.4", self.vault),
            query: Vec::new(),
            authorization: outbound::Authorization::Bearer(self.token.clone()),
            headers: Vec::new(),
            body,
            timeout: Duration::from_secs(5),
            max_bytes: 1 << 20,
        };
        let answer = self.outbound.send(request).await.unwrap();
        assert_eq!(answer.status, 200);
    }

    async fn put(&self, name: &str, value: &str) {
        let body = format!(r#"{{"value":"{value}"}}"#).into_bytes().into();
        let body = outbound::Body::Json(body);
        self.call(outbound::Verb::Put, name, body).await;
    }

    async fn delete(&self, name: &str) {
        self.call(outbound::Verb::Delete, name, outbound::Body::Empty)
            .await;
    }
}

#[tokio::test]
async fn somebody_elses_version_is_seen() {
    let simulator = simulator().await;
    let world = simulator.world();
    let store = store(world);
    let theirs = Theirs::new(world).await;
    let first = store.put("a/b", value(), None).await.unwrap();
    // In the same second, even.
    theirs.put("brickyard--a--b", "x").await;
    let seen = known(&store, "a/b").await.expected;
    assert_ne!(seen, first);
    let moved = store.put("a/b", with(&newer()), Some(&first)).await;
    assert_eq!(moved.unwrap_err().failure, StoreFailure::Moved);
    nothing_unexpected(&simulator);
}

/// Our set acts and answers late, and somebody writes before we look again.
#[tokio::test]
async fn a_write_before_the_second_look_is_noticed() {
    let simulator = simulator().await;
    let world = simulator.world();
    let store = store(world);
    let theirs = Theirs::new(world).await;
    store.check("a/b").await.unwrap();
    // Ours is set, and its answer is on its way.
    let held = Fault::new(FaultKind::HoldAnswer).on(Call::StorePut);
    simulator.fault(held.times(1));
    let mut holds = simulator.holds();
    let put = store.put("a/b", value(), None);
    let between = async {
        holds.changed().await.unwrap();
        theirs.put("brickyard--a--b", "x").await;
        simulator.release();
    };
    let (put, ()) = tokio::join!(put, between);
    assert_eq!(put.unwrap_err().failure, StoreFailure::Moved);
    nothing_unexpected(&simulator);
}
