//! A checker that cannot find anything passes everywhere: here each invariant is broken, one thing at a time, in a
//! world that was sound, and exactly that one has to say so.

mod azure;

use super::facts::{Facts, public, text};
use super::history::{Exchange, Stop};
use super::{CHECKS, Evidence, check};
use crate::support::{Builder, TestApp};
use brickyard::dev;
use serde_json::{Value, json};
use simulator::inventory::ObjectRecord;
use simulator::{Arrival, Call, Fault, FaultKind};
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

/// One thing that is broken.
enum Breach {
    /// In the database, by whoever owns it.
    Rows(fn(&Evidence) -> String),
    /// Outside, in what arrived there, or in what clients remember.
    Else(fn(&mut Evidence)),
}

use Breach::{Else, Rows};

/// A world in which everything has happened: `alpha` is ready, `beta` is deleted, `gamma` has failed and is kept,
/// `omega` is another team's and was tagged.
async fn world() -> TestApp {
    let kept = dev::OBJECTS.replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400");
    let builder = Builder {
        template: kept,
        ..Builder::default()
    };
    let app = builder.start().await;
    let asked = json!({"name": "alpha", "template": "sandbox", "labels": {"stage": "test"}});
    for _ in 0..2 {
        let key = [("idempotency-key", "the-key")];
        let answer = app.post_with("/workspaces", &asked, &key).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        app.done(&answer.body).await;
    }
    let changed = app
        .patch("/workspaces/alpha", &json!({"labels": {"stage": "used"}}))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    app.ready("beta").await;
    app.removed("beta").await;
    app.fault(Fault::new(FaultKind::WorkspaceFails).workspace("gamma"));
    let gamma = app.create("gamma").await;
    assert_eq!(app.done(&gamma).await["status"], "failed");
    let bearer = app.bearer("other-requester");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let body = json!({"name": "omega", "template": "sandbox"}).to_string();
    let omega = app.send("POST", "/workspaces", &headers, Some(&body)).await;
    done(&app, &omega.body).await;
    let body = json!({"tags": {"stage": "test"}}).to_string();
    let path = "/workspaces/omega";
    let tagged = app.send("PATCH", path, &headers, Some(&body)).await;
    done(&app, &tagged.body).await;
    app
}

async fn done(app: &TestApp, operation: &Value) {
    let done = app.done(operation).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
}

impl Evidence {
    fn named(&self, name: &str) -> &Value {
        let mut rows = self.facts.rows("workspaces").iter();
        let found = rows.find(|row| text(row, "name") == name);
        found.expect("a workspace")
    }

    /// What is in the name or comment of something of this workspace.
    fn part(&self, name: &str, what: &str) -> String {
        format!("{}{what}-1", self.marker(self.named(name)))
    }

    /// The newest operation of a workspace.
    fn operation(&self, name: &str) -> &str {
        text(self.named(name), "last_operation")
    }

    /// Where a call about something arrived.
    fn arrived(&self, call: Call, name: &str) -> usize {
        let id = public("ws", text(self.named(name), "id"));
        let found = self.arrivals.iter().position(|it| {
            let object = it.object.as_deref().unwrap_or_default();
            it.call == call && (object.contains(&id) || object.contains(&id[id.len() - 8..]))
        });
        found.expect("it arrived")
    }

    /// The same call once more, so much later.
    fn again(&mut self, call: Call, name: &str, later: Duration) {
        let at = self.arrived(call, name);
        let mut again: Arrival = self.arrivals[at].clone();
        let later = u64::try_from(later.as_millis()).expect("not that long");
        again.at += later;
        again.until = again.until.map(|until| until + later);
        again.sequence += 1;
        self.arrivals.insert(at + 1, again);
    }

    fn live(&self) -> String {
        self.inventory.tokens[0].value.clone()
    }

    fn told(&mut self, group: &str, status: u16, text: String) {
        self.history.exchanges.push(Exchange {
            subject: "somebody".to_owned(),
            groups: vec![group.to_owned()],
            method: "POST".to_owned(),
            path: "/workspaces".to_owned(),
            key: None,
            body: String::new(),
            status,
            text,
        });
    }
}

const LATER: Duration = Duration::from_secs(3600);

/// A statement about one workspace's row.
fn workspace(evidence: &Evidence, name: &str, set: &str) -> String {
    let id = text(evidence.named(name), "id");
    format!("update workspaces set {set} where id = '{id}'")
}

/// A statement about one workspace's last operation.
fn operation(evidence: &Evidence, name: &str, set: &str) -> String {
    let id = evidence.operation(name);
    format!("update operations set {set} where id = '{id}'")
}

/// A statement about the audit, which refuses all others.
fn audit(statement: &str) -> String {
    format!("alter table audit disable trigger all; {statement}")
}

fn a_job(kind: &str, key: &str, lease: &str) -> String {
    format!(
        "insert into jobs (id, kind, key, lease_epoch, lease_owner, lease_expires_at)
         values ('{}', '{kind}', '{key}', 1000, {lease})",
        Uuid::now_v7()
    )
}

fn object(name: String) -> ObjectRecord {
    ObjectRecord {
        id: Uuid::now_v7().to_string(),
        name,
        body: Value::Null,
    }
}

#[rustfmt::skip]
const BREACHES: &[(&str, &str, Breach)] = &[
    ("I1", "a ready workspace is gone", Else(|it| it.inventory.workspaces.retain(|it| !it.name.starts_with("alpha")))),
    ("I1", "there are two", Else(|it| {
        let mut twin = it.inventory.workspaces[0].clone();
        twin.id += 1;
        it.inventory.workspaces.push(twin);
    })),
    ("I1", "one was left of a deleted one", Else(|it| {
        let mut left = it.inventory.workspaces[0].clone();
        left.tags.insert("brickyard".to_owned(), it.part("beta", "workspace"));
        it.inventory.workspaces.push(left);
    })),
    ("I1", "one was made while the first was there", Else(|it| it.again(Call::CreateWorkspace, "alpha", LATER))),
    ("I2", "credentials of a deleted one", Else(|it| {
        let left = object(it.part("beta", "credentials"));
        it.inventory.credentials.push(left);
    })),
    ("I2", "a network of nobody's", Else(|it| {
        let id = public("ws", &Uuid::now_v7().to_string());
        it.inventory.networks.push(object(format!("dev-{id}-network-1")));
    })),
    ("I2", "storage twice", Else(|it| {
        let twin = object(it.part("alpha", "storage"));
        it.inventory.storage_configurations.push(twin);
    })),
    ("I2", "a workspace of nobody's", Else(|it| {
        let mut stray = it.inventory.workspaces[0].clone();
        let id = public("ws", &Uuid::now_v7().to_string());
        stray.tags.insert("brickyard".to_owned(), format!("dev-{id}-workspace-1"));
        it.inventory.workspaces.push(stray);
    })),
    ("I3", "no token lives", Else(|it| it.inventory.tokens.clear())),
    ("I3", "two live", Else(|it| {
        let mut second = it.inventory.tokens[0].clone();
        second.id.push('2');
        it.inventory.tokens.push(second);
    })),
    ("I3", "another one is recorded", Rows(|_| "update tokens set external_id = 'another' where status = 'active'".to_owned())),
    ("I3", "one of a deleted workspace is in use", Rows(|_| "update tokens set status = 'active'".to_owned())),
    ("I4", "the secret is gone", Else(|it| it.inventory.secrets.clear())),
    ("I4", "the secret is another", Else(|it| {
        let secret = it.inventory.secrets.values_mut().next().expect("a secret");
        let (_, data) = secret.versions.iter_mut().next_back().expect("a version");
        data.as_mut().expect("data").insert("token".to_owned(), "another".into());
    })),
    ("I4", "another token is written beside it", Else(|it| {
        let secret = it.inventory.secrets.values_mut().next().expect("a secret");
        secret.metadata.insert("token_id".to_owned(), "another".to_owned());
    })),
    ("I4", "another end is written beside it", Else(|it| {
        let secret = it.inventory.secrets.values_mut().next().expect("a secret");
        secret.metadata.insert("expires_at".to_owned(), "2020-01-01T00:00:00.000Z".to_owned());
    })),
    ("I4", "another version is recorded", Rows(|_| "update tokens set secret_version = '7' where status = 'active'".to_owned())),
    ("I4", "a deleted workspace left its secret", Else(|it| {
        let path = text(&it.named("beta")["spec"]["secret"], "path").to_owned();
        let id = public("ws", text(it.named("beta"), "id"));
        let mut left = it.inventory.secrets.values().next().expect("a secret").clone();
        left.metadata.insert("workspace".to_owned(), id);
        it.inventory.secrets.insert(path, left);
    })),
    ("I5", "a token in a message", Rows(|it| operation(it, "alpha", &format!("message = 'minted {}'", it.live())))),
    ("I5", "a token in an answer", Else(|it| {
        let hex: String = it.live().bytes().map(|byte| format!("{byte:02x}")).collect();
        it.told("requesters", 200, hex);
    })),
    ("I5", "the client's secret in a log", Else(|it| {
        let secret = it.terms.secrets[0].clone();
        it.history.texts.push(("the log".to_owned(), format!("Basic: {secret}")));
    })),
    ("I6", "an accepted operation is lost", Else(|it| {
        let id = public("op", &Uuid::now_v7().to_string());
        it.told("requesters", 202, json!({"id": id}).to_string());
    })),
    ("I6", "what was to begin has not", Rows(|_| "update operations set not_before = clock() where status = 'queued'".to_owned())),
    ("I6", "what waits has no job", Rows(|_| "delete from jobs where kind = 'operation'".to_owned())),
    ("I6", "what is done has a job", Rows(|it| a_job("operation", &public("op", it.operation("alpha")), "null, null"))),
    ("I6", "a lease has ended and nobody came", Rows(|_| {
        let owner = Uuid::now_v7();
        a_job("observe", "other", &format!("'{owner}', clock() - interval '1 hour'"))
    })),
    ("I7", "a row is missing", Rows(|_| audit("delete from audit where seq = (select min(seq) from audit where action = 'step.succeeded')"))),
    ("I7", "the beginning is missing", Rows(|it| audit(&format!("delete from audit where operation_id = '{}' and action = 'operation.accepted'", it.operation("alpha"))))),
    ("I7", "two rows have changed places", Rows(|_| audit("update audit set detail = '{\"step\": \"deliver_token\"}' where seq = (select min(seq) from audit where action = 'step.succeeded')"))),
    ("I7", "a row says what nobody asked for", Rows(|it| audit(&format!("update audit set action = 'operation.cancelled' where operation_id = '{}' and action = 'operation.succeeded'", it.operation("alpha"))))),
    ("I7", "a step was skipped in silence", Rows(|it| operation(it, "alpha", "position = 3"))),
    ("I7", "an end was changed", Rows(|it| operation(it, "alpha", "status = 'cancelled'"))),
    ("I7", "a phase was changed", Rows(|it| workspace(it, "alpha", "phase = 'failed'"))),
    ("I7", "somebody else has it in hand", Rows(|it| workspace(it, "alpha", "active_operation = last_operation"))),
    ("I7", "labels were changed in silence", Rows(|it| workspace(it, "alpha", "labels = '{}'"))),
    ("I7", "tags were changed in silence", Rows(|it| workspace(it, "omega", "spec = jsonb_set(spec, '{tags}', '{}')"))),
    ("I8", "an old lease wrote", Rows(|it| audit(&format!("update audit set epoch = 99 where seq = (select min(seq) from audit where epoch is not null and operation_id = '{}')", it.operation("alpha"))))),
    ("I8", "an old lease was permitted to send", Rows(|_| "update attempts set epoch = 99 where call = 'create_credentials'".to_owned())),
    ("I8", "a job's epoch fell", Rows(|_| audit("update audit set epoch = 5 where actor = 'system:failed-create'"))),
    ("I9", "a create was sent again at once", Else(|it| it.again(Call::CreateCredentials, "alpha", Duration::from_millis(500)))),
    ("I9", "two mints overlap", Else(|it| {
        let first = it.arrived(Call::MintTokenOnBehalf, "alpha");
        it.arrivals[first].until = Some(it.arrivals[first].at + 50);
        it.again(Call::MintTokenOnBehalf, "alpha", Duration::from_millis(10));
    })),
    ("I9", "an attempt was never resolved", Rows(|it| format!("update attempts set outcome = 'unknown' where call = 'create_storage' and workspace_id = '{}'", text(it.named("alpha"), "id")))),
    ("I9", "two attempts are unresolved", Rows(|it| format!("drop index attempts_one_unresolved; update attempts set outcome = 'unknown', call = 'create_storage' where workspace_id = '{}'", text(it.named("gamma"), "id")))),
    ("I11", "one key had two answers", Else(|it| {
        let first = it.history.exchanges.iter().find(|it| it.key.is_some());
        let mut other = first.expect("an exchange with a key").clone();
        other.text = json!({"id": public("op", it.operation("beta"))}).to_string();
        it.history.exchanges.push(other);
    })),
    ("I11", "the key is kept for another", Rows(|it| format!("update idempotency_keys set operation_id = '{}'", it.operation("beta")))),
    ("I12", "it did not wait", Else(|it| {
        let told = it.arrived(Call::CreateCredentials, "alpha");
        it.arrivals[told].status = Some(429);
        it.arrivals[told].retry_after = Some(100);
    })),
    ("I12", "it called too often", Else(|it| {
        let one = it.arrived(Call::CreateCredentials, "alpha");
        let mut one = it.arrivals[one].clone();
        one.call = Call::ListNetworks;
        for _ in 0..250 {
            it.arrivals.push(one.clone());
        }
    })),
    ("I13", "the workspace went after what it was made of", Else(|it| {
        let (workspace, storage) = (it.arrived(Call::DeleteWorkspace, "beta"), it.arrived(Call::DeleteStorage, "beta"));
        it.arrivals.swap(workspace, storage);
    })),
    ("I13", "somebody else's network was removed", Else(|it| {
        let mut removal = it.arrivals[it.arrived(Call::DeleteStorage, "beta")].clone();
        (removal.call, removal.object) = (Call::DeleteNetwork, Some("theirs".to_owned()));
        it.arrivals.push(removal);
    })),
    ("I13", "given credentials were removed", Rows(|it| {
        let removal = &it.arrivals[it.arrived(Call::DeleteCredentials, "beta")];
        let id = removal.path.rsplit('/').next().expect("an id");
        workspace(it, "beta", &format!("spec = jsonb_set(spec, '{{credentials}}', '{{\"credentials_id\": \"{id}\"}}')"))
    })),
    ("I13", "the secret outlived its workspace", Else(|it| it.arrivals.retain(|it| it.call != Call::StoreDelete))),
    ("I14", "another team was told", Else(|it| {
        let id = public("ws", text(it.named("alpha"), "id"));
        it.told("other-requesters", 200, json!({"items": [id]}).to_string());
    })),
    ("I15", "a process ended badly", Else(|it| it.history.stops.push(stop(1, 1)))),
    ("I15", "a process took too long", Else(|it| it.history.stops.push(stop(0, 60)))),
    ("I17", "a tag is another", Else(|it| it.inventory.workspaces.iter_mut().for_each(|it| drop(it.tags.insert("stage".to_owned(), "used".to_owned()))))),
    ("I17", "a tag that was taken away is there", Rows(|it| workspace(it, "omega", "spec = jsonb_set(spec, '{removed_tags}', '[\"stage\"]')"))),
    ("I15", "a process that has stopped holds a job", Rows(|it| {
        let owner = it.history.stops[0].owner;
        a_job("observe", "other", &format!("'{owner}', clock() + interval '1 minute'"))
    })),
];

fn stop(code: i32, seconds: u64) -> Stop {
    Stop {
        owner: Uuid::now_v7(),
        code,
        took: Duration::from_secs(seconds),
        grace: Duration::from_secs(5),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_invariant_is_found_and_no_other() {
    each_is_found(world().await, BREACHES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_found_on_azure_too() {
    each_is_found(azure::world().await, azure::BREACHES).await;
}

async fn each_is_found(app: TestApp, breaches: &[(&str, &str, Breach)]) {
    crate::support::check::settled(&app).await;
    let stopped = stop(0, 1);
    let sound = async || {
        let mut evidence = app.evidence().await;
        evidence.terms.one_process = Some(100);
        evidence.history.stops.push(stopped.clone());
        evidence
    };
    let found = check(&sound().await);
    assert!(found.is_empty(), "the sound world: {found:#?}");
    let mut wrong = Vec::new();
    for (invariant, name, breach) in breaches {
        let mut evidence = sound().await;
        match breach {
            Else(edit) => edit(&mut evidence),
            Rows(statement) => {
                // Broken, read and put right again: nobody else ever sees it.
                let mut transaction = app.db.begin().await.expect("a transaction");
                let statement = AssertSqlSafe(statement(&evidence));
                let broken = sqlx::raw_sql(statement).execute(&mut *transaction).await;
                let broken = broken.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(broken.rows_affected() > 0, "{name}: nothing was broken");
                evidence.facts = Facts::within(&mut transaction).await;
                transaction.rollback().await.expect("it is put right");
            }
        }
        let found = check(&evidence);
        let invariants: BTreeSet<&str> = found.iter().map(|it| it.invariant).collect();
        if invariants != BTreeSet::from([*invariant]) {
            wrong.push(format!("{invariant}, {name}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    app.finish().await;
}

#[test]
fn every_invariant_is_broken_somewhere() {
    for (invariant, _) in CHECKS {
        let broken = BREACHES.iter().any(|(it, _, _)| *it == invariant);
        assert!(broken, "{invariant} is never broken");
    }
}

#[test]
fn the_checker_knows_nothing_of_the_product() {
    let room = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/checker");
    let mut read = 0;
    for file in std::fs::read_dir(room).expect("it is there").flatten() {
        if file.file_name() == "seeded" {
            continue;
        }
        let text = std::fs::read_to_string(file.path()).expect("it is text");
        assert!(!text.contains("brickyard::"), "{:?}", file.file_name());
        assert!(!text.contains("crate::support"), "{:?}", file.file_name());
        read += 1;
    }
    assert!(read > 8, "only {read} files");
}
