//! What must hold at the end of every test, whatever happened in it. Trusts nothing in `src/`: it reads the
//! database, the simulator's state and its arrival log.

use super::{PATIENCE, TestApp};
use sqlx::Row;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Waits until no operation is on its way and no job is held.
pub async fn settled(app: &TestApp) {
    let until = Instant::now() + PATIENCE;
    loop {
        let open: Vec<String> = sqlx::query_scalar(
            "select kind || ' ' || status || ': ' || message from operations
              where status in ('queued', 'running', 'cancelling') and (not_before is null or not_before <= clock())",
        )
        .fetch_all(&app.db)
        .await
        .expect("the database answers");
        let held: i64 = sqlx::query_scalar(
            "select count(*) from jobs where kind = 'operation' and lease_owner is not null",
        )
        .fetch_one(&app.db)
        .await
        .expect("the database answers");
        if open.is_empty() && held == 0 {
            return;
        }
        assert!(
            Instant::now() < until,
            "{held} jobs held, operations not done: {open:#?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// One workspace per request, one live PAT, nothing orphaned, nothing unexpected.
pub async fn invariants(app: &TestApp) {
    let inventory = app.simulator.inventory();
    let rows = sqlx::query(
        "select id, name, phase, external -> 'workspace' ->> 'id' as workspace_id from workspaces",
    )
    .fetch_all(&app.db)
    .await
    .expect("the database answers");
    let mut ready = BTreeMap::new();
    let mut owned = BTreeSet::new();
    for row in &rows {
        let (phase, id): (String, Option<String>) = (row.get("phase"), row.get("workspace_id"));
        if phase == "deleted" {
            assert_eq!(
                id,
                None,
                "{} is deleted but has a workspace",
                row.get::<String, _>("name")
            );
        }
        if let Some(id) = id {
            owned.insert(id.clone());
            if phase == "ready" {
                ready.insert(id, row.get::<String, _>("name"));
            }
        }
    }
    // I1, I2: nothing outside that no row owns, and every ready row's workspace runs.
    let running: BTreeSet<String> = inventory
        .workspaces
        .iter()
        .filter(|w| !matches!(w.status.as_str(), "CANCELLING" | "CANCELLED"))
        .map(|w| w.id.to_string())
        .collect();
    assert_eq!(
        running, owned,
        "workspaces at Databricks and workspaces in the database differ"
    );
    let markers: BTreeSet<&str> = inventory
        .credentials
        .iter()
        .chain(&inventory.storage_configurations)
        .chain(&inventory.networks)
        .map(|object| object.name.as_str())
        .chain(
            inventory
                .service_principals
                .iter()
                .map(|p| p.display_name.as_str()),
        )
        .filter(|name| name.starts_with("dev-ws_"))
        .collect();
    let living: Vec<String> = rows
        .iter()
        .filter(|row| row.get::<String, _>("phase") != "deleted")
        .map(|row| brickyard::domain::id::WorkspaceId::from_uuid(row.get("id")).to_string())
        .collect();
    for marker in markers {
        assert!(
            living.iter().any(|id| marker.contains(id.as_str())),
            "{marker} belongs to no living workspace"
        );
    }
    // I3, I4: exactly one live PAT of ours per ready workspace, and the store holds exactly that one.
    let delivered = app.delivered();
    for (id, name) in &ready {
        let live: Vec<_> = inventory
            .tokens
            .iter()
            .filter(|token| {
                token.workspace_id.to_string() == *id && token.comment.starts_with("dev-ws_")
            })
            .collect();
        let reachable = sqlx::query_scalar::<_, bool>(
            "select (spec ->> 'reachable_from_here')::boolean from workspaces where external -> 'workspace' ->> 'id' = $1",
        )
        .bind(id)
        .fetch_one(&app.db)
        .await
        .expect("the database answers");
        if !reachable {
            assert!(
                live.is_empty(),
                "{name} has a token although it cannot be reached"
            );
            continue;
        }
        assert_eq!(
            live.len(),
            1,
            "live tokens of {name}: {:?}",
            live.iter().map(|t| &t.id).collect::<Vec<_>>()
        );
        let holding: Vec<&String> = delivered
            .iter()
            .filter(|(_, token)| token.as_ref() == Some(&live[0].value))
            .map(|(path, _)| path)
            .collect();
        assert_eq!(
            holding.len(),
            1,
            "secrets that hold the token of {name}: {holding:?}"
        );
    }
    let of_others = inventory
        .tokens
        .iter()
        .filter(|token| {
            token.comment.starts_with("dev-ws_")
                && !ready.contains_key(&token.workspace_id.to_string())
        })
        .count();
    let parked: i64 =
        sqlx::query_scalar("select count(*) from operations where status = 'needs_attention'")
            .fetch_one(&app.db)
            .await
            .expect("the database answers");
    assert!(
        of_others == 0 || parked > 0,
        "{of_others} live tokens of workspaces that are not ready"
    );
    // I9: at most one unresolved attempt, and none left behind by a workspace that has ended.
    let unresolved: i64 = sqlx::query_scalar(
        "select count(*) from attempts a join workspaces w on w.id = a.workspace_id
          where a.outcome in ('open', 'unknown') and w.phase in ('ready', 'deleted')",
    )
    .fetch_one(&app.db)
    .await
    .expect("the database answers");
    assert_eq!(unresolved, 0, "attempts left unresolved");
    // Who asked for an operation is in the audit, whoever it was.
    let unaccounted: Vec<String> = sqlx::query_scalar(
        "select kind || ' of ' || requested_by from operations o
          where not exists (select from audit a where a.operation_id = o.id and a.action = 'operation.accepted')",
    )
    .fetch_all(&app.db)
    .await
    .expect("the database answers");
    assert!(
        unaccounted.is_empty(),
        "operations nobody was seen to accept: {unaccounted:?}"
    );
    // The audit is as it was written, sealed or not yet.
    let audit = brickyard::provisioning::verify::verify(&app.db, None).await;
    assert_eq!(audit.expect("the database answers").breaches, []);
    let mistakes: Vec<_> = app.simulator.unexpected();
    assert!(
        mistakes.is_empty(),
        "requests no client should send: {mistakes:#?}"
    );
}
