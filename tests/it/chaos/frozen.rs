//! A process that is stopped by SIGSTOP in the middle of a call, for two leases, and then goes on as if nothing had
//! happened: a virtual machine that was paused, a container without processor time.

use super::fleet::{self, Fleet, LEASE};
use super::in_flight::held_at;
use crate::checker::facts::Facts;
use crate::support::TestApp;
use brickyard::domain::cloud::Cloud;
use brickyard::provisioning::step::Call;
use futures_util::future::join_all;
use simulator::FaultKind;
use std::time::{Duration, Instant};

/// What must be the same before and after: every row that is not the queue's own, and everything outside.
async fn world(app: &TestApp) -> String {
    let facts = Facts::read(&app.database_url).await;
    let tables = ["workspaces", "operations", "attempts", "tokens"];
    let mut rows: Vec<String> = tables
        .iter()
        .flat_map(|table| facts.rows(table).iter().map(ToString::to_string))
        .collect();
    rows.push(facts.rows("audit").len().to_string());
    format!("{rows:#?} {:#?}", app.simulator.inventory())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_frozen_for_two_leases_changes_nothing_when_it_wakes() {
    let calls = [
        Call::CreateWorkspace,
        Call::MintToken,
        Call::PutSecret,
        Call::PutMetadata,
        Call::DeleteWorkspace,
    ];
    let own = [
        (Cloud::Aws, Call::CreateServicePrincipal),
        (Cloud::Azure, Call::CreateNetwork),
    ];
    let cases = calls
        .iter()
        .flat_map(|call| Cloud::ALL.map(|cloud| (cloud, *call)));
    join_all(cases.chain(own).map(|(cloud, call)| async move {
        let case = format!("{} on {}", call.as_str(), cloud.as_str());
        let (app, operation, mut frozen) = held_at(cloud, call, FaultKind::HoldAnswer).await;
        let began = Instant::now();
        frozen.replica(0).process.signal("STOP");
        let successor = Fleet::start(&app, "work", &[0]).await;
        let done = app.done(&operation).await;
        assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
        tokio::time::sleep((2 * LEASE).saturating_sub(began.elapsed())).await;
        let before = world(&app).await;
        // Its answer lies in the socket when it wakes.
        app.simulator.release();
        frozen.replica(0).process.signal("CONT");
        tokio::time::sleep(fleet::CALL_TIMEOUT + Duration::from_secs(2)).await;
        assert_eq!(world(&app).await, before, "{case}");
        if call != Call::DeleteWorkspace {
            app.removed("interrupted").await;
        }
        let left = app.simulator.inventory();
        assert!(left.is_empty(), "{case}: {left:#?}");
        frozen.end(&app).await;
        successor.end(&app).await;
        app.finish().await;
    }))
    .await;
}
