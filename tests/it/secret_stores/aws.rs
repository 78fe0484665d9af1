//! AWS Secrets Manager: the simulator's part, and moto.

use super::servers::Server;
use super::{contract, simulator, value};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use brickyard::domain::problem::Code;
use brickyard::secrets::aws::{AccessKey, Aws, Settings};
use brickyard::secrets::{SecretStore, SecretValue, StoreFailure, Stored};
use secrecy::SecretString;
use simulator::{Call, Fault, FaultKind, Simulator};

fn settings(endpoint: &str, id: &str, secret: &str) -> Settings {
    Settings {
        region: "us-west-2".to_owned(),
        endpoint_url: Some(endpoint.to_owned()),
        credentials: Some(AccessKey {
            id: id.to_owned(),
            secret: secret.to_owned().into(),
        }),
        kms_key_id: None,
        prefix: "brickyard/".to_owned(),
        recovery_window_days: None,
    }
}

fn of(simulator: &Simulator) -> Settings {
    let world = simulator.world();
    settings(
        &world.aws_endpoint,
        &world.aws_access_key_id,
        &world.aws_secret_access_key,
    )
}

/// Somebody else with the same key.
fn sdk(endpoint: &str, id: &str, secret: &str) -> Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-west-2"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(id, secret, None, None, "test"));
    Client::from_conf(config.build())
}

async fn known(store: &dyn SecretStore, path: &str) -> Stored {
    store.metadata(path).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_simulator_keeps_the_contract() {
    let simulator = simulator().await;
    let store = Aws::new(of(&simulator));
    assert_eq!(store.kind(), "aws_secrets_manager");
    contract::keeps(&store).await;
    contract::lets_one_win(&store).await;
    assert!(simulator.inventory().secrets.is_empty());
    let unexpected = simulator.unexpected();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

#[tokio::test]
async fn moto_keeps_the_contract() {
    let server = Server::moto().await;
    let store = Aws::new(settings(&server.address, "test", "test"));
    // Two calls at once are not told apart by moto, so no race here.
    contract::keeps(&store).await;
    let window = Aws::new(Settings {
        recovery_window_days: Some(7),
        ..settings(&server.address, "test", "test")
    });
    window.put("a/b", value(), None).await.unwrap();
    window.delete("a/b").await.unwrap();
    assert_eq!(known(&window, "a/b").await.current, None);
    window.delete("a/b").await.unwrap();
}

#[tokio::test]
async fn strangers_and_other_regions_are_refused() {
    let simulator = simulator().await;
    let world = simulator.world();
    let wrong_secret = settings(&world.aws_endpoint, &world.aws_access_key_id, "stranger");
    for settings in [
        settings(&world.aws_endpoint, "stranger", "stranger"),
        wrong_secret,
        Settings {
            region: "eu-west-1".to_owned(),
            ..of(&simulator)
        },
    ] {
        contract::knows_strangers(&Aws::new(settings)).await;
    }
    contract::misses_its_server(&Aws::new(settings("http://127.0.0.1:9", "any", "any"))).await;
}

#[tokio::test]
async fn trouble_is_told_apart() {
    let simulator = simulator().await;
    let store = Aws::new(of(&simulator));
    contract::tells_trouble_apart(&store, &simulator).await;
    simulator.fault(Fault::new(FaultKind::StoreKeyDenied));
    let error = store.put("a/b", value(), None).await.unwrap_err();
    assert_eq!(error.failure, StoreFailure::Denied);
    assert!(error.explanation.hint.unwrap().contains("KMS key"));
    let upstream = error.explanation.upstream.unwrap();
    assert_eq!(upstream.error_code.as_deref(), Some("EncryptionFailure"));
    assert_eq!(
        (upstream.status, upstream.request_id.is_some()),
        (Some(400), true)
    );
    simulator.fault(
        Fault::new(FaultKind::Slow)
            .on(Call::StoreMetadataGet)
            .seconds(11.0),
    );
    let error = store.check("a/b").await.unwrap_err();
    assert_eq!(
        error.explanation.code,
        Code::SecretStoreUnreachable,
        "{error}"
    );
}

/// The value is staged, and the answer of making it current is lost, or it never arrives.
#[tokio::test]
async fn a_put_that_broke_off_between_its_calls_is_known_again() {
    let simulator = simulator().await;
    let store = Aws::new(of(&simulator));
    let newer: SecretString = "dapi-newer".to_owned().into();
    let newer = || SecretValue {
        host: "https://dbc-1.example",
        token: &newer,
    };
    for kind in [FaultKind::AnswerLost, FaultKind::RequestLost] {
        let first = store.put("a/b", value(), None).await.unwrap();
        simulator.fault(Fault::new(kind).on(Call::StoreStage));
        let error = store.put("a/b", newer(), Some(&first)).await.unwrap_err();
        assert_eq!(error.failure, StoreFailure::Unknown, "{kind}");
        // Whoever does not look first ends well too.
        let second = store.put("a/b", newer(), Some(&first)).await.unwrap();
        assert_eq!(known(&store, "a/b").await.current, Some(second.clone()));
        assert_eq!(
            store.put("a/b", newer(), Some(&second)).await.unwrap(),
            second
        );
        let secrets = simulator.inventory().secrets;
        assert_eq!(secrets["brickyard/a/b"].versions.len(), 2, "{kind}");
        store.delete("a/b").await.unwrap();
    }
}

#[tokio::test]
async fn a_deleted_secret_can_be_restored_until_its_window_ends() {
    let simulator = simulator().await;
    let store = Aws::new(Settings {
        recovery_window_days: Some(7),
        ..of(&simulator)
    });
    let first = store.put("a/b", value(), None).await.unwrap();
    store.delete("a/b").await.unwrap();
    store.delete("a/b").await.unwrap();
    let gone = known(&store, "a/b").await;
    assert_eq!((gone.current, &gone.expected), (None, &first));
    // Somebody who did not look is told to wait; somebody who did takes it over.
    let newer: SecretString = "dapi-newer".to_owned().into();
    let newer = || SecretValue {
        host: "https://dbc-1.example",
        token: &newer,
    };
    let error = store.put("a/b", newer(), None).await.unwrap_err();
    assert_eq!(error.failure, StoreFailure::Unavailable, "{error}");
    let second = store.put("a/b", newer(), Some(&first)).await.unwrap();
    assert_eq!(known(&store, "a/b").await.current, Some(second));
    let restored = simulator.arrivals();
    assert!(restored.iter().any(|it| it.call == Call::StoreRestore));

    // One that is not ours is not taken from who may restore it.
    let world = simulator.world();
    let theirs = sdk(
        &world.aws_endpoint,
        &world.aws_access_key_id,
        &world.aws_secret_access_key,
    );
    let create = theirs.create_secret().name("brickyard/theirs");
    create.secret_string("x").send().await.unwrap();
    let delete = theirs.delete_secret().secret_id("brickyard/theirs");
    delete.send().await.unwrap();
    assert!(known(&store, "theirs").await.current.is_some());
    let unexpected = simulator.unexpected();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

/// Terraform makes the secret, and we fill it.
#[tokio::test]
async fn an_empty_secret_is_filled() {
    let server = Server::moto().await;
    let store = Aws::new(settings(&server.address, "test", "test"));
    let empty = sdk(&server.address, "test", "test");
    let create = empty.create_secret().name("brickyard/a/b");
    create.send().await.unwrap();
    let found = known(&store, "a/b").await;
    assert_eq!(found.current, None);
    let first = store
        .put("a/b", value(), Some(&found.expected))
        .await
        .unwrap();
    assert_eq!(known(&store, "a/b").await.current, Some(first));
    let newer: SecretString = "dapi-newer".to_owned().into();
    let late = SecretValue {
        host: "https://dbc-1.example",
        token: &newer,
    };
    let moved = store
        .put("a/b", late, Some(&found.expected))
        .await
        .unwrap_err();
    assert_eq!(moved.failure, StoreFailure::Moved, "{moved}");
}
