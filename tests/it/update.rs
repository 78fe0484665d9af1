//! Tags at the vendor, changed while the workspace is used.

use crate::support::account::Account;
use crate::support::steering::ask;
use crate::support::variants::{self, Variant};
use crate::support::{Answer, Builder, TestApp};
use brickyard::domain::cloud::Cloud;
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};
use std::collections::BTreeMap;
use std::time::Duration;

const PATH: &str = "/workspaces/tagged";

/// One of each cloud.
const BOTH: [Variant; 2] = [variants::ALL[0], variants::ALL[4]];

fn told(answer: &Answer) -> (u16, &str) {
    (
        answer.status,
        answer.body["code"].as_str().unwrap_or_default(),
    )
}

/// A world with a workspace that is ready.
async fn ready(variant: &Variant) -> TestApp {
    let app = variant.start(Builder::default()).await;
    app.ready("tagged").await;
    app
}

/// The tags it has outside, our marker's left out.
fn outside(app: &TestApp) -> BTreeMap<String, String> {
    let inventory = app.simulator.inventory();
    let body = &inventory.workspaces[0].body;
    let tags = match app.cloud {
        Cloud::Aws => &body["custom_tags"],
        Cloud::Azure => &body["tags"],
    };
    let mut tags: BTreeMap<String, String> = serde_json::from_value(tags.clone()).expect("tags");
    let marker = tags.remove("brickyard").expect("our marker stays");
    assert!(marker.contains("-workspace-1"), "{marker}");
    tags
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// The call that changes them.
fn change(app: &TestApp) -> Call {
    match app.cloud {
        Cloud::Aws => Call::UpdateWorkspace,
        Cloud::Azure => Call::ArmUpdateWorkspace,
    }
}

/// Asks for these, and waits until it is so.
async fn updated(app: &TestApp, tags: Value) -> Value {
    let asked = app.patch(PATH, &json!({"tags": tags})).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let end = app.done(&asked.body).await;
    assert_eq!(end["status"], "succeeded", "{end:#}");
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_changed_while_the_workspace_is_used() {
    for variant in BOTH {
        let app = ready(&variant).await;
        let before = app.get(PATH).await.body;
        let token = app.get(&format!("{PATH}/tokens")).await.body;
        let body = json!({"tags": {"cost-center": "4712", "env": "dev"}, "labels": {"a": "b"}});
        let asked = app.patch(PATH, &body).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        assert_eq!(asked.headers["location"], asked.body["href"]);
        assert_eq!(asked.body["kind"], "update");
        let end = app.done(&asked.body).await;
        assert_eq!(end["status"], "succeeded", "{end:#}");
        assert_eq!(
            outside(&app),
            pairs(&[("cost-center", "4712"), ("env", "dev")])
        );
        let after = app.get(PATH).await.body;
        assert_eq!(after["spec"]["tags"], body["tags"]);
        assert_eq!(after["labels"], body["labels"]);
        assert_eq!(
            (
                &after["phase"],
                &after["problem"],
                &after["active_operation"]
            ),
            (&json!("ready"), &Value::Null, &Value::Null)
        );
        for same in ["external", "expires_at", "conditions"] {
            assert_eq!(after[same], before[same], "{same}");
        }
        assert_eq!(app.get(&format!("{PATH}/tokens")).await.body, token);
        // What it had once goes; asked for again, nothing happens.
        updated(&app, json!({"env": null})).await;
        assert_eq!(outside(&app), pairs(&[("cost-center", "4712")]));
        let version = app.get(PATH).await.body["version"].clone();
        let again = app.patch(PATH, &json!({"tags": {"env": null}})).await;
        assert_eq!((again.status, &again.body["version"]), (200, &version));
        // null is all of them.
        updated(&app, Value::Null).await;
        assert_eq!(outside(&app), BTreeMap::new());
        let changes = app.simulator.arrivals();
        let changes = changes.iter().filter(|it| it.call == change(&app)).count();
        assert_eq!(changes, 3, "each change is sent once");
        app.removed("tagged").await;
        assert!(variants::left(&app).is_empty());
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_tagged_stays() {
    let app = ready(&BOTH[0]).await;
    let id = app.get(PATH).await.body["external"]["workspace_id"].clone();
    let id = id.as_str().expect("an id");
    let body = &app.simulator.inventory().workspaces[0].body;
    let mut tags = body["custom_tags"].clone();
    tags["finops"] = json!("theirs");
    let account = Account::open(&app.simulator).await;
    let path = format!("workspaces/{id}");
    account.update(&path, json!({"custom_tags": tags})).await;
    updated(&app, json!({"env": "dev"})).await;
    let all = [
        ("cost-center", "4711"),
        ("env", "dev"),
        ("finops", "theirs"),
    ];
    assert_eq!(outside(&app), pairs(&all[1..]), "{all:?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_says_them_again_and_again() {
    let app = ready(&BOTH[0]).await;
    let wish = |tags: Value| json!({"template": "sandbox", "tags": tags});
    let there = app.put(PATH, &json!({"template": "sandbox"})).await;
    assert_eq!(there.status, 200, "{}", there.text);
    let asked = app.put(PATH, &wish(json!({"env": "dev"}))).await;
    assert_eq!((asked.status, &asked.body["kind"]), (202, &json!("update")));
    app.done(&asked.body).await;
    assert_eq!(outside(&app), pairs(&[("env", "dev")]));
    let there = app.put(PATH, &wish(json!({"env": "dev"}))).await;
    assert_eq!(there.status, 200, "{}", there.text);
    // Left out, they stay; none are none.
    let there = app.put(PATH, &json!({"template": "sandbox"})).await;
    assert_eq!(there.body["spec"]["tags"], json!({"env": "dev"}));
    let asked = app.put(PATH, &wish(json!({}))).await;
    app.done(&asked.body).await;
    assert_eq!(outside(&app), BTreeMap::new());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_is_named() {
    let more =
        "required_tags = { cost-center = \"^[0-9]{4}$\" }\ntags = { managed-by = \"platform\" }\n";
    let builder = Builder {
        template: format!("{}{more}", brickyard::dev::OBJECTS),
        ..Builder::default()
    };
    let app = builder.start().await;
    let body = json!({"name": "tagged", "template": "sandbox", "tags": {"cost-center": "4711"}});
    let create = app.post("/workspaces", &body).await;
    // Until it is ready there is something else to do.
    let early = app.patch(PATH, &json!({"tags": {"env": "dev"}})).await;
    if early.status != 202 {
        assert_eq!(
            told(&early),
            (409, "operation_in_progress"),
            "{}",
            early.text
        );
    }
    app.done(&create.body).await;
    let many: BTreeMap<String, String> =
        (0..20).map(|n| (format!("k{n}"), "v".to_owned())).collect();
    for (tags, pointer) in [
        (json!({"cost-center": "none"}), "/tags/cost-center"),
        (json!({"cost-center": null}), "/tags/cost-center"),
        (Value::Null, "/tags/cost-center"),
        (json!({"brickyard": "mine"}), "/tags/brickyard"),
        (json!(many), "/tags"),
    ] {
        let refused = app.patch(PATH, &json!({"tags": tags})).await;
        assert_eq!(
            told(&refused),
            (422, "validation_failed"),
            "{}",
            refused.text
        );
        assert_eq!(
            refused.body["errors"][0]["pointer"], pointer,
            "{}",
            refused.text
        );
    }
    // The template's own win, as they did when it was made.
    let mine = app
        .patch(PATH, &json!({"tags": {"managed-by": "me"}}))
        .await;
    assert_eq!(mine.status, 200, "{}", mine.text);
    updated(&app, json!({"env": "dev"})).await;
    let all = [
        ("cost-center", "4711"),
        ("env", "dev"),
        ("managed-by", "platform"),
    ];
    assert_eq!(outside(&app), pairs(&all));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_at_a_time() {
    for variant in BOTH {
        let app = ready(&variant).await;
        app.fault(Fault::new(FaultKind::HoldAnswer).on(change(&app)));
        let tags = json!({"tags": {"env": "dev"}});
        let first = app.patch(PATH, &tags).await;
        assert_eq!(first.status, 202, "{}", first.text);
        let meanwhile = app.get(PATH).await.body;
        assert_eq!(meanwhile["phase"], "updating", "{meanwhile:#}");
        assert_eq!(meanwhile["active_operation"], first.body["id"]);
        let same = app.patch(PATH, &tags).await;
        assert_eq!((same.status, &same.body["id"]), (202, &first.body["id"]));
        let same = app.put(PATH, &json!({"template": "sandbox"})).await;
        assert_eq!((same.status, &same.body["id"]), (202, &first.body["id"]));
        let other = app.patch(PATH, &json!({"tags": {"env": "prod"}})).await;
        assert_eq!(told(&other), (409, "operation_in_progress"));
        assert_eq!(other.body["href"], first.body["href"]);
        // What lives only here needs nobody.
        let local = app.patch(PATH, &json!({"ttl_seconds": 3600})).await;
        assert_eq!(local.status, 200, "{}", local.text);
        assert!(local.body["expires_at"].is_string(), "{}", local.text);
        let cancel = ask(&app, &first.body, "cancel").await;
        assert_eq!(told(&cancel), (409, "not_cancellable"), "{}", cancel.text);
        // A removal does not wait for it.
        let removal = app.delete(PATH).await;
        assert_eq!(removal.status, 202, "{}", removal.text);
        app.simulator.release();
        let end = app.done(&first.body).await;
        assert_eq!(end["status"], "cancelled", "{end:#}");
        let end = app.done(&removal.body).await;
        assert_eq!(end["status"], "succeeded", "{end:#}");
        assert!(variants::left(&app).is_empty());
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_leaves_the_workspace_usable_and_is_retried() {
    for variant in BOTH {
        let app = ready(&variant).await;
        app.fault(match app.cloud {
            Cloud::Aws => Fault::new(FaultKind::Forbidden).on(change(&app)),
            Cloud::Azure => Fault::new(FaultKind::ArmFails)
                .on(change(&app))
                .code("ResourceQuotaExceeded")
                .message("The quota of tags is used up."),
        });
        let tags = json!({"tags": {"env": "dev"}});
        let asked = app.patch(PATH, &tags).await;
        let end = app.done(&asked.body).await;
        assert_eq!(end["status"], "failed", "{end:#}");
        let code = match app.cloud {
            Cloud::Aws => "upstream_forbidden",
            Cloud::Azure => "azure_quota",
        };
        assert_eq!(end["problem"]["code"], code, "{end:#}");
        let after = app.get(PATH).await.body;
        assert_eq!(
            (&after["phase"], &after["problem"]["code"]),
            (&json!("ready"), &json!(code))
        );
        assert_eq!(after["active_operation"], Value::Null);
        // What the cloud says of it then is no news.
        app.sweep().await;
        assert_eq!(app.get(PATH).await.body["phase"], "ready");
        // Said again, it is tried again; so it is by `retry`.
        let again = app.patch(PATH, &tags).await;
        assert_eq!(
            (again.status, &again.body["retry_of"]),
            (202, &end["id"]),
            "{}",
            again.text
        );
        let end = app.done(&again.body).await;
        assert_eq!(end["status"], "succeeded", "{end:#}");
        let after = app.get(PATH).await.body;
        assert_eq!(
            (&after["phase"], &after["problem"]),
            (&json!("ready"), &Value::Null)
        );
        assert_eq!(outside(&app)["env"], "dev");
        let over = ask(&app, &end, "retry").await;
        assert_eq!(told(&over), (409, "not_retryable"), "{}", over.text);
        app.removed("tagged").await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_gone_is_told_of() {
    let app = ready(&BOTH[0]).await;
    let id = app.get(PATH).await.body["external"]["workspace_id"].clone();
    let account = Account::open(&app.simulator).await;
    account
        .remove(&format!("workspaces/{}", id.as_str().expect("an id")))
        .await;
    app.advance(Duration::from_secs(900)).await;
    let asked = app.patch(PATH, &json!({"tags": {"env": "dev"}})).await;
    let end = app.done(&asked.body).await;
    assert_eq!(end["problem"]["code"], "deleted_outside", "{end:#}");
    // Twice not listed, it is lost, and there is nothing to go on with.
    app.sweep().await;
    app.sweep().await;
    assert_eq!(app.get(PATH).await.body["phase"], "failed");
    let retry = ask(&app, &end, "retry").await;
    assert_eq!(told(&retry), (409, "not_retryable"), "{}", retry.text);
    app.removed("tagged").await;
    app.abandon("somebody else has removed what is removed last")
        .await;
}
