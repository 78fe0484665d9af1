//! Vault's part of the simulator, and OpenBao.

use super::servers::{ROOT, Server};
use super::{arrived, contract, outbound, simulator, value};
use brickyard::outbound::Verb;
use brickyard::secrets::SecretStore;
use brickyard::secrets::vault::{Auth, Settings, Vault};
use serde_json::json;
use simulator::Call;

/// A store below `secret`.
pub(super) fn vault(address: &str, auth: Auth) -> Vault {
    inside(address, auth, None)
}

pub(super) fn inside(address: &str, auth: Auth, namespace: Option<&str>) -> Vault {
    let settings = Settings {
        address: address.to_owned(),
        auth,
        mount: "secret".to_owned(),
        namespace: namespace.map(str::to_owned),
    };
    Vault::new(settings, outbound())
}

pub(super) fn token(token: &str) -> Auth {
    Auth::Token(token.to_owned().into())
}

#[tokio::test]
async fn the_simulator_keeps_the_contract() {
    let simulator = simulator().await;
    let world = simulator.world();
    let store = vault(&world.vault_address, token(&world.vault_token));
    assert_eq!(store.kind(), "vault_kv2");
    contract::keeps(&store).await;
    contract::lets_one_win(&store).await;
    assert!(simulator.inventory().secrets.is_empty());
    let unexpected = simulator.unexpected();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    let reads = arrived(&simulator, Call::StoreGet);
    assert_eq!(reads, 0, "no value is read back");
    contract::knows_strangers(&vault(&world.vault_address, token("stranger"))).await;
}

#[tokio::test]
async fn trouble_is_told_apart() {
    let simulator = simulator().await;
    let world = simulator.world();
    let store = vault(&world.vault_address, token(&world.vault_token));
    contract::tells_trouble_apart(&store, &simulator).await;
    simulator.set_store_sealed(true);
    assert!(store.check("a/b").await.is_err());
    contract::misses_its_server(&vault("http://127.0.0.1:9", token("any"))).await;
}

#[tokio::test]
async fn a_real_openbao_keeps_the_contract() {
    let server = Server::openbao().await;
    let store = vault(&server.address, token(ROOT));
    contract::keeps(&store).await;
    contract::lets_one_win(&store).await;
    contract::knows_strangers(&vault(&server.address, token("stranger"))).await;
}

#[tokio::test]
async fn a_namespace_stands_in_the_path() {
    let server = Server::openbao().await;
    let made = server.call(Verb::Post, "v1/sys/namespaces/team", json!({}));
    made.await;
    let engine = json!({"type": "kv", "options": {"version": "2"}});
    let mounted = server.call(Verb::Post, "v1/team/sys/mounts/secret", engine);
    mounted.await;
    let store = inside(&server.address, token(ROOT), Some("team"));
    contract::keeps(&store).await;
    store.put("a/b", value(), None).await.unwrap();
    let root = vault(&server.address, token(ROOT));
    assert_eq!(root.metadata("a/b").await.unwrap(), None);
}
