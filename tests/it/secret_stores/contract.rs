//! What every store promises.

use super::value;
use brickyard::domain::problem::Code;
use brickyard::secrets::{Metadata, SecretStore, SecretValue, StoreFailure, Stored, Version};
use secrecy::SecretString;
use simulator::{Call, Fault, FaultKind, Simulator};

/// What the store knows about a path of which it must know something.
async fn known(store: &dyn SecretStore, path: &str) -> Stored {
    store.metadata(path).await.unwrap().unwrap()
}

fn about(version: &Version) -> Metadata {
    Metadata {
        token_id: "a1b2".to_owned(),
        generation: 1,
        version: version.clone(),
        expires_at: Some("2027-01-02T03:04:05.678Z".parse().unwrap()),
        workspace: "ws_1".to_owned(),
    }
}

/// Everything a store does for a workspace, from nothing to nothing.
pub(super) async fn keeps(store: &dyn SecretStore) {
    let path = "teams/team-a/analytics.dev";
    let newer: SecretString = "dapi-newer".to_owned().into();
    let newer = || SecretValue {
        host: "https://dbc-1.example",
        token: &newer,
    };
    store.check(path).await.unwrap();
    assert_eq!(store.metadata(path).await.unwrap(), None);
    store.delete(path).await.unwrap();

    let first = store.put(path, value(), None).await.unwrap();
    let found = known(store, path).await;
    assert_eq!(
        (found.current, found.expected, found.metadata),
        (Some(first.clone()), first.clone(), None)
    );

    // Somebody who saw an older state writes nothing.
    let moved = store.put(path, newer(), None).await.unwrap_err();
    assert_eq!(
        (moved.failure, moved.explanation.code),
        (StoreFailure::Moved, Code::SecretPathTaken),
        "{moved}"
    );
    assert_eq!(known(store, path).await.current, Some(first.clone()));

    store.put_metadata(path, &about(&first)).await.unwrap();
    let found = known(store, path).await;
    assert_eq!(found.metadata, Some(about(&first)));
    assert_eq!(found.current, Some(first.clone()));

    // A newer value without its metadata shows as such.
    let second = store.put(path, newer(), Some(&first)).await.unwrap();
    assert_ne!(first, second);
    let found = known(store, path).await;
    assert_eq!(
        (found.current, found.metadata.unwrap().version),
        (Some(second.clone()), first.clone())
    );
    let moved = store.put(path, value(), Some(&first)).await.unwrap_err();
    assert_eq!(moved.failure, StoreFailure::Moved, "{moved}");
    let endless = Metadata {
        generation: 2,
        expires_at: None,
        ..about(&second)
    };
    store.put_metadata(path, &endless).await.unwrap();
    let found = known(store, path).await;
    assert_eq!(found.metadata, Some(endless));
    assert_eq!(
        found.current,
        Some(second.clone()),
        "the loser wrote nothing"
    );

    repeats(store).await;

    // A path beside it, and one below it, are others.
    for other in ["teams/team-a/analytics.dev2", "teams/team-a/analytics"] {
        assert_eq!(store.metadata(other).await.unwrap(), None);
        store.put(other, value(), None).await.unwrap();
        store.delete(other).await.unwrap();
    }
    assert_eq!(known(store, path).await.current, Some(second));

    store.delete(path).await.unwrap();
    assert_eq!(store.metadata(path).await.unwrap(), None);
    store.delete(path).await.unwrap();
    store.put(path, value(), None).await.unwrap();
    store.delete(path).await.unwrap();
    refuses_bad_paths(store).await;
}

/// Whoever lost an answer looks at the store, puts again over what is there, and ends with his value as the current one.
async fn repeats(store: &dyn SecretStore) {
    let path = "teams/team-a/repeated";
    store.put(path, value(), None).await.unwrap();
    let seen = known(store, path).await.expected;
    let again = store.put(path, value(), Some(&seen)).await.unwrap();
    assert_eq!(known(store, path).await.current, Some(again.clone()));
    store.put_metadata(path, &about(&again)).await.unwrap();
    store.put_metadata(path, &about(&again)).await.unwrap();
    assert_eq!(known(store, path).await.metadata, Some(about(&again)));
    store.delete(path).await.unwrap();
}

async fn refuses_bad_paths(store: &dyn SecretStore) {
    for bad in [
        "", "a//b", "../sys/x", "a/../b", "a?b", "a b", "/a", "a/", "a%2fb", "a/.", "..", "a\\b",
        "a\0b",
    ] {
        let version = Version("1".to_owned());
        for failed in [
            store.check(bad).await.err(),
            store.put(bad, value(), None).await.err(),
            store.put_metadata(bad, &about(&version)).await.err(),
            store.metadata(bad).await.err(),
            store.delete(bad).await.err(),
        ] {
            assert_eq!(failed.unwrap().failure, StoreFailure::Denied, "{bad:?}");
        }
    }
}

/// Of many that saw the same state, one writes.
pub(super) async fn lets_one_win(store: &dyn SecretStore) {
    let path = "teams/race";
    let mut seen = None;
    for round in 0..2 {
        let tokens = (0..8).map(|n| format!("dapi-{round}-{n}").into());
        let tokens: Vec<SecretString> = tokens.collect();
        let puts = tokens.iter().map(|token| {
            let host = "https://dbc-1.example";
            store.put(path, SecretValue { host, token }, seen.as_ref())
        });
        let results = futures_util::future::join_all(puts).await;
        let won: Vec<&Version> = results.iter().flatten().collect();
        assert_eq!(won.len(), 1, "{results:?}");
        for lost in results.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!(lost.failure, StoreFailure::Moved, "{lost}");
        }
        let found = known(store, path).await;
        assert_eq!(found.current.as_ref(), Some(won[0]));
        seen = Some(found.expected);
    }
    store.delete(path).await.unwrap();
}

/// What a store says to a stranger.
pub(super) async fn knows_strangers(store: &dyn SecretStore) {
    for failed in [
        store.check("a/b").await.err(),
        store.put("a/b", value(), None).await.err(),
        store.metadata("a/b").await.err(),
        store.delete("a/b").await.err(),
    ] {
        let error = failed.unwrap();
        assert_eq!(
            (error.failure, error.explanation.code),
            (StoreFailure::Denied, Code::SecretStoreDenied),
            "{error}"
        );
        let printed = format!("{error:?}");
        assert!(
            !printed.contains("stranger") && !printed.contains("canary"),
            "{printed}"
        );
    }
}

/// How a store of the simulator tells troubles apart, and that after each the same put can be done.
pub(super) async fn tells_trouble_apart(store: &dyn SecretStore, simulator: &Simulator) {
    simulator.fault(Fault::new(FaultKind::StoreSealed).times(1));
    let error = store.check("a/b").await.unwrap_err();
    assert_eq!(
        (error.failure, error.explanation.code),
        (StoreFailure::Unavailable, Code::SecretStoreUnreachable)
    );
    for (kind, failure) in [
        (FaultKind::Throttled, StoreFailure::Unavailable),
        (FaultKind::StoreDenied, StoreFailure::Denied),
        (FaultKind::StoreDown, StoreFailure::Unknown),
        (FaultKind::AnswerLost, StoreFailure::Unknown),
        (FaultKind::Truncated, StoreFailure::Unknown),
        (FaultKind::HtmlOk, StoreFailure::Unknown),
        (FaultKind::HtmlError, StoreFailure::Unknown),
        (FaultKind::ErrorAfterActing, StoreFailure::Unknown),
    ] {
        let path = format!("a/{}", kind.name());
        simulator.fault(Fault::new(kind).on(Call::StorePut).times(1));
        let error = store.put(&path, value(), None).await.unwrap_err();
        assert_eq!(error.failure, failure, "{kind}: {error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        // As the step does it: look, put over what is there.
        let seen = store.metadata(&path).await.unwrap();
        let seen = seen.map(|stored| stored.expected);
        let version = store.put(&path, value(), seen.as_ref()).await.unwrap();
        assert_eq!(known(store, &path).await.current, Some(version), "{kind}");
        store.delete(&path).await.unwrap();
    }
    for kind in [
        FaultKind::AnswerLost,
        FaultKind::HtmlError,
        FaultKind::Throttled,
    ] {
        for call in [Call::StoreMetadataGet, Call::StoreDelete] {
            simulator.fault(Fault::new(kind).on(call).times(1));
            let error = match call {
                Call::StoreDelete => store.delete("a/b").await.unwrap_err(),
                _ => store.metadata("a/b").await.unwrap_err(),
            };
            assert_eq!(error.failure, StoreFailure::Unavailable, "{kind}: {error}");
        }
    }
    assert!(simulator.inventory().secrets.is_empty());
    let unexpected = simulator.unexpected();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

/// A store where nobody listens.
pub(super) async fn misses_its_server(store: &dyn SecretStore) {
    for failed in [
        store.check("a/b").await.err(),
        store.put("a/b", value(), None).await.err(),
        store.metadata("a/b").await.err(),
    ] {
        assert_eq!(failed.unwrap().failure, StoreFailure::Unavailable);
    }
}
