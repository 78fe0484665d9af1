//! What people ask of an operation: cancel and retry, over every call of every variant; and what they are told where one
//! needs them.

use crate::faults::fatal;
use crate::support::steering::{ask, removal};
use crate::support::variants::{self, Variant};
use crate::support::{Answer, Builder, PATIENCE, TestApp};
use brickyard::dev;
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn told(answer: &Answer) -> (u16, &str) {
    (
        answer.status,
        answer.body["code"].as_str().unwrap_or_default(),
    )
}

/// The calls that a create makes, learned from one.
async fn calls_of_a_create(variant: &Variant) -> BTreeSet<Call> {
    let app = variant.start(Builder::default()).await;
    let before = app.simulator.arrivals().len();
    app.ready("model").await;
    let arrivals = app.simulator.arrivals();
    let own = arrivals.iter().skip(before).map(|arrival| arrival.call);
    let callers = [
        Call::Jwks,
        Call::IssuerDiscovery,
        Call::IssuerToken,
        Call::Dns,
    ];
    let calls = own.filter(|call| !callers.contains(call)).collect();
    app.removed("model").await;
    app.finish().await;
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_at_any_call_a_create_leaves_nothing() {
    let lives = join_all(variants::ALL.iter().map(calls_of_a_create)).await;
    let mut seen = BTreeSet::new();
    let cases: Vec<(&Variant, Call, FaultKind)> = variants::ALL
        .iter()
        .zip(lives)
        .flat_map(|(variant, calls)| calls.into_iter().map(move |call| (variant, call)))
        .filter(|(_, call)| seen.insert(*call))
        .flat_map(|(variant, call)| {
            // Before it acts, and after it acted: what comes of it where it is never answered stands in the matrix.
            [FaultKind::HoldRequest, FaultKind::HoldAnswer].map(|fault| (variant, call, fault))
        })
        .collect();
    assert!(cases.len() > 40, "a create makes more than {}", cases.len());
    futures_util::stream::iter(cases)
        .for_each_concurrent(12, |(variant, call, fault)| async move {
            let case = format!("{fault:?} on {call:?}, {}", variant.name);
            let app = variant.start(Builder::default()).await;
            app.fault(Fault::new(fault).on(call));
            let create = app.create("unwanted").await;
            let until = Instant::now() + PATIENCE;
            while !app.simulator.arrivals().iter().any(|a| a.call == call) {
                assert!(Instant::now() < until, "{case}: it never came");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let answer = ask(&app, &create, "cancel").await;
            assert_eq!(answer.status, 202, "{case}: {}", answer.text);
            assert_eq!(answer.body["id"], create["id"], "{case}");
            let again = ask(&app, &create, "cancel").await;
            assert!(
                matches!(told(&again), (202, _) | (409, "not_cancellable")),
                "{case}: {}",
                again.text
            );
            app.simulator.release();
            let done = app.done(&create).await;
            assert_eq!(done["status"], "cancelled", "{case}: {done:#}");
            assert_eq!(done["problem"]["code"], "cancelled_by_request", "{case}");
            let removal = app.done(&removal(&app, &done).await).await;
            assert_eq!(removal["status"], "succeeded", "{case}: {removal:#}");
            assert_eq!(
                app.workspace_of(&create).await["phase"],
                "deleted",
                "{case}"
            );
            let left = variants::left(&app);
            assert!(left.is_empty(), "{case}: {left:#?}");
            assert!(app.simulator.inventory().created("workspaces") <= 1);
            app.finish().await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_cancelled_says_why() {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    // Protection is for what somebody may be using.
    let body = json!({"name": "early", "template": "sandbox", "deletion_protection": true});
    let create = app.post("/workspaces", &body).await.body;
    assert_eq!(
        told(&app.delete("/workspaces/early").await),
        (409, "deletion_protected")
    );
    let cancelling = ask(&app, &create, "cancel").await;
    assert_eq!(told(&cancelling), (202, ""), "{}", cancelling.text);
    assert_eq!(cancelling.body["status"], "cancelling");
    assert!(cancelling.headers.contains_key("retry-after"));
    let twice = ask(&app, &create, "cancel").await;
    assert_eq!(twice.body, cancelling.body);
    app.start_worker();
    let done = app.done(&create).await;
    let removal = app.done(&removal(&app, &done).await).await;
    assert_eq!(app.simulator.inventory().created("workspaces"), 0);
    for ended in [&done, &removal] {
        let answer = ask(&app, ended, "cancel").await;
        assert_eq!(told(&answer), (409, "not_cancellable"), "{}", answer.text);
        let answer = ask(&app, ended, "retry").await;
        assert_eq!(told(&answer), (409, "not_retryable"), "{}", answer.text);
    }

    let ready = app.ready("settled").await;
    let last = ready["last_operation_href"].as_str().expect("a link");
    let create = app.get(last).await.body;
    let answer = ask(&app, &create, "cancel").await;
    assert_eq!(told(&answer), (409, "not_cancellable"), "{}", answer.text);
    app.stop_workers().await;
    let removal = app.delete("/workspaces/settled").await.body;
    let answer = ask(&app, &removal, "cancel").await;
    assert_eq!(told(&answer), (409, "not_cancellable"), "{}", answer.text);
    app.start_worker();
    app.done(&removal).await;
    app.finish().await;
}

/// A world that keeps what fails.
async fn keeping() -> TestApp {
    let template = dev::OBJECTS.replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400");
    let builder = Builder {
        template,
        ..Builder::default()
    };
    builder.start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_retried_by_id_and_once() {
    let app = keeping().await;
    app.fault(fatal("create_storage"));
    let create = app.create("second-try").await;
    let failed = app.done(&create).await;
    assert_eq!(failed["status"], "failed", "{failed:#}");
    app.phase(&create, "failed").await;
    // It goes on where it failed, and fails again; that one is what can be retried now.
    app.fault(fatal("create_storage"));
    let retry = ask(&app, &failed, "retry").await;
    assert_eq!(told(&retry), (202, ""), "{}", retry.text);
    assert_eq!(retry.body["retry_of"], failed["id"]);
    assert_eq!(
        retry.headers["location"],
        retry.body["href"].as_str().expect("a link")
    );
    let second = app.done(&retry.body).await;
    assert_eq!(second["status"], "failed", "{second:#}");
    app.phase(&create, "failed").await;
    let stale = ask(&app, &failed, "retry").await;
    assert_eq!(told(&stale), (409, "not_retryable"), "{}", stale.text);
    let names_the_newest = stale.body["detail"].as_str().expect("a detail");
    assert!(names_the_newest.contains(second["id"].as_str().expect("an id")));

    // Twenty people press the button at the same time.
    let answers = join_all((0..20).map(|_| ask(&app, &second, "retry"))).await;
    let ids: BTreeSet<String> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 202, "{}", answer.text);
            answer.body["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let done = app.done(&answers[0].body).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    assert_eq!(app.simulator.inventory().created("credentials"), 1);
    app.removed("second-try").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_has_begun_is_not_overtaken_by_a_retry() {
    let app = keeping().await;
    app.fault(fatal("create_workspace"));
    let create = app.create("too-late").await;
    let failed = app.done(&create).await;
    app.phase(&create, "failed").await;
    app.fault(Fault::new(FaultKind::HoldRequest).on(Call::DeleteStorage));
    let removal = app.delete("/workspaces/too-late").await.body;
    let until = Instant::now() + PATIENCE;
    while !app
        .simulator
        .arrivals()
        .iter()
        .any(|a| a.call == Call::DeleteStorage)
    {
        assert!(Instant::now() < until, "it never came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answer = ask(&app, &failed, "retry").await;
    assert_eq!(
        told(&answer),
        (409, "operation_in_progress"),
        "{}",
        answer.text
    );
    assert_eq!(answer.body["href"], removal["href"]);
    app.simulator.release();
    app.done(&removal).await;
    app.finish().await;
}

/// Waits until an operation needs somebody; the operation.
async fn parked(app: &TestApp, operation: &Value) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let path = operation["href"].as_str().expect("a link");
        let now = app.get(path).await.body;
        if now["status"] == "needs_attention" {
            return now;
        }
        assert!(Instant::now() < until, "it is not parked: {now:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_stands_says_what_is_left_and_goes_on_when_told() {
    let app = TestApp::start().await;
    app.ready("sticky").await;
    app.fault(
        Fault::new(FaultKind::Forbidden)
            .on(Call::DeleteStorage)
            .times(0),
    );
    let removal = app.delete("/workspaces/sticky").await.body;
    assert_eq!(removal["attention"], Value::Null);
    let stands = parked(&app, &removal).await;
    let kinds = |operation: &Value| -> Vec<String> {
        let left = operation["attention"]["left"].as_array().expect("a list");
        left.iter()
            .map(|it| it["kind"].as_str().expect("a kind").to_owned())
            .collect()
    };
    assert_eq!(
        kinds(&stands),
        ["storage_configuration", "credentials"],
        "{stands:#}"
    );
    let id = stands["attention"]["left"][0]["id"]
        .as_str()
        .expect("an id");
    assert_eq!(
        app.simulator.inventory().storage_configurations[0].id,
        id,
        "what it names is what is there"
    );
    // It says what can be done; the first works as it stands, once the cause is gone.
    app.simulator.clear_faults();
    let choice = &stands["attention"]["choices"][0];
    let bearer = app.bearer("requester");
    let answer = app
        .send(
            choice["method"].as_str().expect("a method"),
            choice["href"].as_str().expect("a link"),
            &[("authorization", &bearer)],
            None,
        )
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.body["id"], removal["id"]);
    assert_eq!(answer.body["attention"], Value::Null);
    let done = app.done(&removal).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    app.finish().await;
}

/// A create whose process died at every try, as far as the queue can tell.
async fn poisoned(name: &str) -> (TestApp, Value) {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let create = app.create(name).await;
    sqlx::query("update jobs set claims = 10 where kind = 'operation'")
        .execute(&app.db)
        .await
        .expect("a job");
    app.start_worker();
    let stands = parked(&app, &create).await;
    assert_eq!(stands["problem"]["code"], "step_crashed", "{stands:#}");
    (app, stands)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_stands_goes_on_or_is_given_up() {
    let (app, stands) = poisoned("goes-on").await;
    let answer = ask(&app, &stands, "retry").await;
    assert_eq!(told(&answer), (202, ""), "{}", answer.text);
    assert_eq!(answer.body["id"], stands["id"], "it goes on itself");
    assert_eq!(app.done(&stands).await["status"], "succeeded");
    app.removed("goes-on").await;
    app.finish().await;

    let (app, stands) = poisoned("given-up").await;
    let verbs: Vec<&str> = stands["attention"]["choices"]
        .as_array()
        .expect("choices")
        .iter()
        .filter_map(|choice| choice["href"].as_str()?.rsplit('/').next())
        .collect();
    assert_eq!(verbs, ["retry", "cancel"]);
    assert_eq!(told(&ask(&app, &stands, "cancel").await), (202, ""));
    let done = app.done(&stands).await;
    assert_eq!(done["status"], "cancelled");
    let removal = app.done(&removal(&app, &done).await).await;
    assert_eq!(removal["status"], "succeeded");
    app.finish().await;
}
