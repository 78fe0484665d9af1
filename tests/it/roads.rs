//! The roads to the run's Postgres, with small scripts in place of the program that asks a Docker engine.

use crate::support::database;
use crate::support::road::{Server, Wish};
use std::time::{Duration, Instant};

/// A wish for a container, which this script says it has.
fn wish(road: Option<&str>, script: &str) -> Wish {
    Wish {
        road: road.map(str::to_owned),
        url: None,
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        patience: Duration::from_secs(20),
    }
}

async fn refusal(wish: Wish) -> String {
    match wish.take().await {
        Ok(Server { road, .. }) => panic!("it took {road}"),
        Err(words) => words,
    }
}

const NO_ENGINE: &str = "echo 'no Docker engine answers: Socket not found' >&2; exit 1";

#[tokio::test]
async fn a_container_lives_until_we_end() {
    let url = database::fresh().await;
    let directory = tempfile::tempdir().expect("a directory");
    let removed = directory.path().join("removed");
    let script = format!(
        "echo 0123abcd {url}; cat > /dev/null; touch {}",
        removed.display()
    );
    let server = wish(None, &script).take().await.expect("a container");
    assert_eq!(
        (server.url.as_str(), server.road.as_str()),
        (url.as_str(), "a container")
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!removed.exists());
    drop(server);
    let began = Instant::now();
    while !removed.exists() {
        assert!(began.elapsed() < Duration::from_secs(20), "it stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    database::discard(&url).await;
}

#[tokio::test]
async fn without_an_engine_it_falls_back_and_says_so() {
    let server = wish(None, NO_ENGINE).take().await.expect("binaries");
    assert_eq!(
        server.road,
        "installed binaries (no container: no Docker engine answers: Socket not found)"
    );
    let mut unbuilt = wish(None, "");
    unbuilt.program = "/nowhere/postgres-container".into();
    let server = unbuilt.take().await.expect("binaries");
    assert_eq!(
        server.road,
        "installed binaries (no container: containers/ is not built; `make test` builds it where a Docker engine answers)"
    );
}

#[tokio::test]
async fn a_forced_road_that_leads_nowhere_is_one_line() {
    assert_eq!(
        refusal(wish(Some("container"), NO_ENGINE)).await,
        "TEST_POSTGRES=container: no Docker engine answers: Socket not found"
    );
    // Nobody listens there, and nothing else is tried.
    let nobody = "postgres://postgres@127.0.0.1:1/postgres";
    let words = refusal(wish(Some("container"), &format!("echo 0123abcd {nobody}"))).await;
    assert!(words.starts_with("TEST_POSTGRES=container: "), "{words}");
    assert!(
        words.contains("refused") && !words.contains('\n'),
        "{words}"
    );
    for road in [None, Some("url")] {
        let mut named = wish(road, NO_ENGINE);
        named.url = Some(nobody.into());
        let words = refusal(named).await;
        assert!(words.starts_with("TEST_DATABASE_URL: "), "{words}");
        assert!(
            words.contains("refused") && !words.contains('\n'),
            "{words}"
        );
    }
    assert_eq!(
        refusal(wish(Some("url"), NO_ENGINE)).await,
        "TEST_POSTGRES=url needs TEST_DATABASE_URL"
    );
    assert_eq!(
        refusal(wish(Some("docker"), NO_ENGINE)).await,
        "TEST_POSTGRES is `url`, `container` or `binaries`, not `docker`"
    );
}

#[tokio::test]
async fn a_container_that_never_comes_is_given_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let ended = directory.path().join("ended");
    let script = format!("cat > /dev/null; touch {}", ended.display());
    let mut slow = wish(Some("container"), &script);
    slow.patience = Duration::from_millis(300);
    let began = Instant::now();
    assert_eq!(
        refusal(slow).await,
        "TEST_POSTGRES=container: none within 300ms"
    );
    // Its program is not killed: it is told to clean up.
    while !ended.exists() {
        assert!(began.elapsed() < Duration::from_secs(20), "it stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_forced_road_is_taken_though_another_comes_first() {
    let mut named = wish(Some("binaries"), NO_ENGINE);
    named.url = Some("postgres://postgres@127.0.0.1:1/postgres".into());
    let server = named.take().await.expect("binaries");
    assert_eq!(server.road, "installed binaries");
}
