//! Who the service is at a vault: tokens of Entra ID, by secret and by federated token, and what happens when one ends.

use super::{
    Patient, Settings, identity, newer, nothing_unexpected, outbound, settings, simulator, store,
    with,
};
use crate::secret_stores::{arrived, contract, value};
use brickyard::azure::Proof;
use brickyard::secrets::azure_key_vault::AzureKeyVault;
use brickyard::secrets::{SecretStore, StoreError, StoreFailure};
use simulator::{Call, Fault, FaultKind};
use std::time::Duration;

#[tokio::test]
async fn strangers_are_refused_and_a_vault_that_is_not_there_is_missed() {
    let simulator = simulator().await;
    let world = simulator.world();
    let folder = tempfile::tempdir().unwrap();
    for proof in [
        Proof::ClientSecret("stranger".to_owned().into()),
        Proof::Federated {
            token_file: folder.path().join("not-there"),
        },
    ] {
        let settings = Settings {
            identity: identity(world, proof),
            ..settings(world)
        };
        contract::knows_strangers(&AzureKeyVault::new(settings, outbound(world))).await;
    }
    let wrong = Settings {
        identity: identity(world, Proof::ClientSecret("wrong".to_owned().into())),
        ..settings(world)
    };
    let wrong = AzureKeyVault::new(wrong, outbound(world));
    let told = wrong.check("a/b").await.unwrap_err().explanation;
    assert!(told.hint.unwrap().contains("the secret's value"));
    assert!(told.detail.contains("AADSTS7000215"), "{}", told.detail);

    let absent = Settings {
        vault_url: world.azure.vault_url.replace("kv-brickyard", "kv-other"),
        ..settings(world)
    };
    let absent = AzureKeyVault::new(absent, outbound(world));
    contract::misses_its_server(&absent).await;
    let told = absent.check("a/b").await.unwrap_err().explanation;
    assert!(told.hint.unwrap().contains("the vault does not exist"));
}

#[tokio::test]
async fn a_federated_token_logs_in_and_is_read_anew() {
    let simulator = simulator().await;
    let world = simulator.world();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "stranger").unwrap();
    let proof = Proof::Federated {
        token_file: file.path().to_owned(),
    };
    let settings = Settings {
        identity: identity(world, proof),
        purge: true,
        ..settings(world)
    };
    let store = Patient(AzureKeyVault::new(settings, outbound(world)));
    let error: StoreError = store.check("a/b").await.unwrap_err();
    assert_eq!(error.failure, StoreFailure::Denied, "{error}");
    let good = format!("{}\n", world.azure.federated_token);
    std::fs::write(file.path(), good).unwrap();
    contract::keeps(&store).await;
    nothing_unexpected(&simulator);
}

#[tokio::test]
async fn many_calls_share_one_login() {
    let simulator = simulator().await;
    let store = store(simulator.world());
    let slow = Fault::new(FaultKind::Slow).on(Call::EntraToken);
    simulator.fault(slow.seconds(0.3));
    let checks = (0..20).map(|_| store.check("a/b"));
    for checked in futures_util::future::join_all(checks).await {
        checked.unwrap();
    }
    assert_eq!(arrived(&simulator, Call::EntraToken), 1);
}

#[tokio::test]
async fn short_tokens_are_renewed_before_they_end() {
    let simulator = simulator().await;
    let store = store(simulator.world());
    let short = Fault::new(FaultKind::ShortTokens).on(Call::EntraToken);
    simulator.fault(short.seconds(3.0));
    let refused = || {
        let arrivals = simulator.arrivals();
        let challenged = arrivals.iter().filter(|it| it.status == Some(401));
        challenged.count()
    };
    for _ in 0..20 {
        store.check("a/b").await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // The first call of all is challenged, and no other.
    assert_eq!(refused(), 1);
    assert!(arrived(&simulator, Call::EntraToken) >= 2);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_never_in_a_loop() {
    let simulator = simulator().await;
    let store = store(simulator.world());
    store.check("a/b").await.unwrap();
    assert_eq!(arrived(&simulator, Call::EntraToken), 1);
    let refused = |times| {
        let fault = Fault::new(FaultKind::Unauthorized);
        simulator.fault(fault.on(Call::StorePut).times(times));
    };
    refused(1);
    let first = store.put("a/b", value(), None).await.unwrap();
    assert_eq!(arrived(&simulator, Call::EntraToken), 2);
    assert_eq!(arrived(&simulator, Call::StorePut), 2);

    refused(0);
    let error = store.put("a/b", with(&newer()), Some(&first)).await;
    let error = error.unwrap_err();
    assert_eq!(error.failure, StoreFailure::Denied, "{error}");
    assert!(error.explanation.hint.unwrap().contains("tenant_id"));
    assert_eq!(arrived(&simulator, Call::StorePut), 4);
    assert_eq!(arrived(&simulator, Call::EntraToken), 3);
}
