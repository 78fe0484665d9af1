//! Every transition is told in the transaction that made it: a trigger, of this test only, notes each change of an
//! operation's status and of a workspace's phase with the transaction's id, and each audit row with its own.

use crate::faults::fatal;
use crate::support::{Builder, TestApp};
use brickyard::dev;
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};
use std::collections::BTreeSet;
use std::time::Duration;

const NOTES: &str = "
    create table noted (seq bigint generated always as identity, tx xid8 default pg_current_xact_id(),
                        what text, id uuid, was text, becomes text);
    create function note() returns trigger language plpgsql as $$
    begin
        if tg_table_name = 'audit' then
            insert into noted (what, id, becomes) values ('told of operation', new.operation_id, new.action),
                                                         ('told of workspace', new.workspace_id, new.action);
        elsif tg_table_name = 'operations' then
            if tg_op = 'INSERT' then
                insert into noted (what, id, becomes) values ('operation', new.id, new.status);
            elsif old.status <> new.status then
                insert into noted (what, id, was, becomes) values ('operation', new.id, old.status, new.status);
            end if;
        elsif tg_op = 'INSERT' then
            insert into noted (what, id, becomes) values ('workspace', new.id, new.phase);
        elsif old.phase <> new.phase then
            insert into noted (what, id, was, becomes) values ('workspace', new.id, old.phase, new.phase);
        end if;
        return null;
    end $$;
    create trigger note after insert or update on operations for each row execute function note();
    create trigger note after insert or update on workspaces for each row execute function note();
    create trigger note after insert on audit for each row execute function note();";

/// A world whose transitions are noted.
async fn noting(keep_failed: bool) -> TestApp {
    let kept = dev::OBJECTS.replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400");
    let builder = Builder {
        template: match keep_failed {
            true => kept,
            false => dev::OBJECTS.to_owned(),
        },
        ..Builder::default()
    };
    let app = builder.start().await;
    sqlx::raw_sql(NOTES)
        .execute(&app.db)
        .await
        .expect("a trigger");
    app
}

/// Fails for a transition that is not told in its own transaction; gives back what was seen, as `kind: from → to`.
async fn told(app: &TestApp) -> BTreeSet<String> {
    let untold: Vec<String> = sqlx::query_scalar(
        "select n.what || ': ' || coalesce(n.was, 'nothing') || ' → ' || n.becomes
           from noted n
          where n.what in ('operation', 'workspace')
            and not exists (select from noted t
                             where t.tx = n.tx and t.what = 'told of ' || n.what and t.id = n.id)
          order by n.seq",
    )
    .fetch_all(&app.db)
    .await
    .expect("notes");
    assert_eq!(untold, [""; 0], "transitions without an audit row");
    let seen: Vec<String> = sqlx::query_scalar(
        "select what || ': ' || coalesce(was, 'nothing') || ' → ' || becomes
           from noted where what in ('operation', 'workspace')",
    )
    .fetch_all(&app.db)
    .await
    .expect("notes");
    seen.into_iter().collect()
}

fn has(seen: &BTreeSet<String>, transitions: &[&str]) {
    for transition in transitions {
        assert!(seen.contains(*transition), "no {transition}: {seen:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn made_changed_and_removed() {
    let app = noting(false).await;
    app.ready("plain").await;
    let patched = app
        .patch("/workspaces/plain", &json!({"labels": {"a": "b"}}))
        .await;
    assert_eq!(patched.status, 200);
    app.removed("plain").await;
    has(
        &told(&app).await,
        &[
            "operation: nothing → queued",
            "operation: queued → running",
            "operation: running → succeeded",
            "workspace: nothing → pending",
            "workspace: pending → provisioning",
            "workspace: provisioning → ready",
            "workspace: ready → deleting",
            "workspace: deleting → deleted",
        ],
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_step_that_waits() {
    let app = noting(false).await;
    app.fault(
        Fault::new(FaultKind::Throttled)
            .on(Call::ListWorkspaces)
            .times(3),
    );
    app.ready("held-back").await;
    has(&told(&app).await, &["operation: queued → running"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_and_undone() {
    let app = noting(false).await;
    app.fault(fatal("create_storage"));
    let create = app.create("hopeless").await;
    assert_eq!(app.done(&create).await["status"], "failed");
    app.phase(&create, "deleted").await;
    has(
        &told(&app).await,
        &[
            "operation: running → failed",
            "workspace: provisioning → failed",
            "workspace: failed → deleting",
            "workspace: deleting → deleted",
        ],
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_kept_and_retried() {
    // The second goes on with a step that makes something and is not done with it: nothing to tell but the beginning.
    for (step, begun) in [("create_storage", 0), ("create_service_principal", 1)] {
        let app = noting(true).await;
        app.fault(fatal(step));
        let create = app.create("again").await;
        assert_eq!(app.done(&create).await["status"], "failed");
        app.phase(&create, "failed").await;
        app.simulator.clear_faults();
        let retry = app
            .put("/workspaces/again", &json!({"template": "sandbox"}))
            .await;
        assert_eq!(app.done(&retry.body).await["status"], "succeeded");
        has(
            &told(&app).await,
            &[
                "workspace: failed → pending",
                // The removal that waited for the end of its keeping.
                "operation: queued → cancelling",
                "operation: cancelling → cancelled",
            ],
        );
        let rows: i64 =
            sqlx::query_scalar("select count(*) from audit where action = 'operation.begun'")
                .fetch_one(&app.db)
                .await
                .expect("a count");
        assert_eq!(rows, begun, "{step}");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_kept_and_removed_by_hand() {
    let app = noting(true).await;
    app.fault(fatal("create_storage"));
    let create = app.create("enough").await;
    assert_eq!(app.done(&create).await["status"], "failed");
    app.phase(&create, "failed").await;
    app.simulator.clear_faults();
    app.removed("enough").await;
    has(&told(&app).await, &["workspace: failed → deleting"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_while_it_is_made() {
    let mut app = noting(false).await;
    app.fault(Fault::new(FaultKind::HoldAnswer).on(Call::CreateCredentials));
    let held = app.create("changed-mind").await;
    while !app
        .simulator
        .arrivals()
        .iter()
        .any(|arrival| arrival.call == Call::CreateCredentials)
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // A worker is at it.
    let delete = app.delete("/workspaces/changed-mind").await.body;
    app.simulator.release();
    assert_eq!(app.done(&delete).await["status"], "succeeded");
    assert_eq!(app.done(&held).await["status"], "cancelled");
    // Nobody is at it.
    app.stop_workers().await;
    let create = app.create("never-begun").await;
    let delete = app.delete("/workspaces/never-begun").await.body;
    // Nor comes anybody before the removal does.
    sqlx::query("update jobs set run_at = clock() + interval '1 day' where key = $1")
        .bind(create["id"].as_str().expect("an id"))
        .execute(&app.db)
        .await
        .expect("postponed");
    app.start_worker();
    assert_eq!(app.done(&delete).await["status"], "succeeded");
    has(
        &told(&app).await,
        &[
            "operation: running → cancelling",
            "operation: queued → cancelling",
            "operation: cancelling → cancelled",
            "workspace: pending → deleting",
        ],
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired() {
    let app = noting(false).await;
    let wish = json!({"template": "sandbox", "ttl_seconds": 3600});
    let create = app.put("/workspaces/mortal", &wish).await.body;
    assert_eq!(app.done(&create).await["status"], "succeeded");
    app.advance(Duration::from_secs(3600 + 86_400 + 1)).await;
    app.phase(&create, "deleted").await;
    has(&told(&app).await, &["workspace: ready → deleting"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_and_resumed() {
    let app = noting(false).await;
    let ready = app.ready("stuck").await;
    app.fault(Fault::new(FaultKind::Forbidden).on(Call::DeleteWorkspace));
    let delete = app.delete("/workspaces/stuck").await.body;
    let path = format!("/operations/{}", delete["id"].as_str().expect("an id"));
    while app.get(&path).await.body["status"] != "needs_attention" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.simulator.clear_faults();
    let again: Value = app.delete("/workspaces/stuck").await.body;
    assert_eq!(again["id"], delete["id"], "{ready:#}");
    assert_eq!(app.done(&delete).await["status"], "succeeded");
    has(
        &told(&app).await,
        &[
            "operation: running → needs_attention",
            "operation: needs_attention → running",
        ],
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten() {
    let mut app = noting(false).await;
    app.stop_workers().await;
    app.create("left-alone").await;
    let admin = app.bearer("admin");
    let headers = [("authorization", admin.as_str())];
    let path = "/workspaces/left-alone?mode=forget";
    let answer = app.send("DELETE", path, &headers, None).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    has(
        &told(&app).await,
        &[
            "operation: queued → cancelling",
            "operation: cancelling → cancelled",
            "workspace: pending → deleted",
        ],
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_kept_and_forgotten() {
    let app = noting(true).await;
    app.fault(fatal("create_storage"));
    let create = app.create("written-off").await;
    assert_eq!(app.done(&create).await["status"], "failed");
    app.phase(&create, "failed").await;
    let admin = app.bearer("admin");
    let headers = [("authorization", admin.as_str())];
    let path = "/workspaces/written-off?mode=forget";
    let answer = app.send("DELETE", path, &headers, None).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    has(
        &told(&app).await,
        &[
            // The removal that waited.
            "operation: cancelling → cancelled",
            "workspace: failed → deleted",
        ],
    );
    app.abandon("what was made is left behind on purpose").await;
}
