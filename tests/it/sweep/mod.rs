//! What nobody waits for and nobody asked for: found by looking around, reported once, and touched only where it is ours.

mod drift;
mod election;
mod flight;
mod jobs;
mod orphans;
mod retention;
mod strays;

use crate::databricks;
use crate::support::TestApp;
use brickyard::cloud::aws::Aws;
use brickyard::cloud::{NewWorkspace, ObjectKind, Provider};
use brickyard::domain::cloud::ComputeMode;
use brickyard::domain::external::UpstreamId;
use brickyard::domain::id::WorkspaceId;
use brickyard::domain::marker::{MarkerKind, WORKSPACE_TAG, marker};
use brickyard::domain::spec::{NetworkSource, Spec, Vpc};
use simulator::{Call, Inventory};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The account, as somebody else's script would use it.
fn account(app: &TestApp) -> Aws {
    let host = app.simulator.world().account_host.clone();
    databricks::provider(&app.simulator, host, 1000)
}

fn serverless() -> Spec {
    Spec {
        compute_mode: ComputeMode::Serverless,
        ..databricks::spec()
    }
}

/// Everything that an account can hold, named by the markers of this instance for this workspace, made by nobody's
/// operation. `number` keeps their parts apart from others'. Kind and external id of each.
async fn plant(
    app: &TestApp,
    instance: &str,
    workspace: WorkspaceId,
    number: u32,
) -> BTreeSet<(String, String)> {
    let named = |kind| marker(instance, workspace, kind, 1);
    let aws = account(app);
    let spec = Spec {
        network: Some(NetworkSource::Made(Vpc {
            vpc_id: format!("vpc-{number}"),
            subnet_ids: vec![format!("subnet-{number}a"), format!("subnet-{number}b")],
            security_group_ids: vec![format!("sg-{number}")],
        })),
        ..databricks::spec()
    };
    let object = async |kind, name| {
        let made = aws.create_object(kind, &named(name), &spec).await;
        made.expect("a configuration object")
    };
    let credentials = object(ObjectKind::Credentials, MarkerKind::Credentials).await;
    let storage = object(ObjectKind::Storage, MarkerKind::Storage).await;
    let network = object(ObjectKind::Network, MarkerKind::Network).await;
    let principal = aws
        .create_service_principal(&named(MarkerKind::ServicePrincipal))
        .await
        .expect("a service principal");
    let tags = BTreeMap::from([(WORKSPACE_TAG.to_owned(), named(MarkerKind::Workspace))]);
    let made = aws
        .create_workspace(NewWorkspace {
            name: &format!("planted-{number}"),
            spec: &databricks::spec(),
            credentials_id: Some(&credentials.id),
            storage_configuration_id: Some(&storage.id),
            network_id: Some(&network.id),
            tags: &tags,
        })
        .await
        .expect("a workspace");
    [
        ("credentials", credentials.id),
        ("storage", storage.id),
        ("network", network.id),
        ("principal", principal.id),
        ("workspace", made.at.id.to_string()),
    ]
    .map(|(kind, id)| (kind.to_owned(), id))
    .into()
}

/// A second workspace with the marker of one that is there, as a late packet would make it; its id.
async fn second(app: &TestApp, workspace: WorkspaceId) -> UpstreamId {
    let named = marker("dev", workspace, MarkerKind::Workspace, 1);
    let made = account(app)
        .create_workspace(NewWorkspace {
            name: "second-workspace",
            spec: &serverless(),
            credentials_id: None,
            storage_configuration_id: None,
            network_id: None,
            tags: &BTreeMap::from([(WORKSPACE_TAG.to_owned(), named)]),
        })
        .await;
    made.expect("a workspace").at.id
}

/// Our id of a workspace.
fn id(workspace: &serde_json::Value) -> WorkspaceId {
    let id = workspace["id"].as_str().expect("an id");
    id.parse().expect("of a workspace")
}

/// Kind and external id of what the audit says this of, in order.
async fn told(app: &TestApp, action: &str) -> Vec<(String, String)> {
    let rows = app.audited(action).await.into_iter();
    let text = |detail: &serde_json::Value, name: &str| {
        detail[name].as_str().unwrap_or_default().to_owned()
    };
    rows.filter(|(said, _)| said == action)
        .map(|(_, detail)| (text(&detail, "kind"), text(&detail, "external_id")))
        .collect()
}

/// What is in the table of orphans.
async fn known(app: &TestApp) -> BTreeSet<(String, String)> {
    let rows = sqlx::query_as("select kind, external_id from orphans");
    let rows: Vec<(String, String)> = rows.fetch_all(&app.db).await.expect("the orphans");
    rows.into_iter().collect()
}

/// Ids of everything in the account, whoever made it.
fn there(inventory: &Inventory) -> BTreeSet<(String, String)> {
    let objects = [
        ("credentials", &inventory.credentials),
        ("storage", &inventory.storage_configurations),
        ("network", &inventory.networks),
    ];
    let objects = objects
        .into_iter()
        .flat_map(|(kind, all)| all.iter().map(move |it| (kind, it.id.clone())));
    let principals = inventory.service_principals.iter();
    let workspaces = inventory.workspaces.iter();
    objects
        .chain(principals.map(|it| ("principal", it.id.to_string())))
        .chain(workspaces.map(|it| ("workspace", it.id.to_string())))
        .map(|(kind, id)| (kind.to_owned(), id))
        .collect()
}

/// How often a call arrived.
fn arrived(app: &TestApp, call: Call) -> usize {
    let arrivals = app.simulator.arrivals();
    arrivals.iter().filter(|it| it.call == call).count()
}

/// Waits until something holds.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let until = Instant::now() + crate::support::PATIENCE;
    while !holds().await {
        assert!(Instant::now() < until, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
