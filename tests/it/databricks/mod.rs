//! The AWS provider against the simulator: what is made is found and removed, and every refusal is understood.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod lifecycle;
mod refusals;
mod transport;

use brickyard::cloud::aws::Aws;
use brickyard::cloud::{
    CheckResult, CloudError, Failure, NewWorkspace, ObjectKind, Probe, Provider, ServicePrincipal,
    TokenOwner, UpstreamWorkspace,
};
use brickyard::databricks;
use brickyard::domain::cloud::{Cloud, ComputeMode};
use brickyard::domain::problem::Code;
use brickyard::domain::spec::{
    CredentialsSource, SecretTarget, Spec, StorageSource, TokenFor, TokenSpec,
};
use brickyard::outbound::{self, Outbound};
use simulator::{Call, Fault, FaultKind, Simulator};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROLE: &str = "arn:aws:iam::111122223333:role/x";

async fn start() -> (Simulator, Aws) {
    let simulator = Simulator::start(simulator::Settings::default())
        .await
        .unwrap();
    let aws = provider(&simulator, simulator.world().account_host.clone(), 1000);
    (simulator, aws)
}

/// A provider for the simulated account.
pub fn provider(simulator: &Simulator, account_host: String, requests_per_second: u32) -> Aws {
    let world = simulator.world();
    let outbound = Outbound::new(outbound::Settings {
        dns_servers: vec![world.dns],
        allow_plain_http: true,
        ..outbound::Settings::default()
    })
    .unwrap();
    let settings = databricks::Settings {
        account_host,
        account_id: world.account_id.clone(),
        client_id: world.client_id.clone(),
        client_secret: world.client_secret.clone().into(),
        workspace_domain: "cloud.databricks.com".to_owned(),
        workspace_url_template: Some(world.workspace_url_template.clone()),
        requests_per_second,
        create_timeout: Duration::from_secs(60),
        call_timeout: Duration::from_secs(20),
    };
    Aws::new(settings, outbound)
}

/// What a workspace of these tests is made of.
pub fn spec() -> Spec {
    Spec {
        template: "t".to_owned(),
        parameters: serde_json::Map::new(),
        account: "a".to_owned(),
        cloud: Cloud::Aws,
        compute_mode: ComputeMode::Classic,
        region: "eu-west-1".to_owned(),
        tier: Some("PREMIUM".to_owned()),
        deployment_name: None,
        credentials: Some(CredentialsSource::Made {
            role_arn: ROLE.to_owned(),
        }),
        storage: Some(StorageSource::Made {
            bucket_name: "team-a-root".to_owned(),
        }),
        network: None,
        azure: None,
        tags: BTreeMap::new(),
        removed_tags: Default::default(),
        token: TokenSpec {
            token_for: TokenFor::ServicePrincipal,
            lifetime_seconds: 3600,
        },
        secret: SecretTarget {
            store: "s".to_owned(),
            path: "a/b".to_owned(),
        },
        reachable_from_here: true,
        keep_failed_seconds: 0,
        create_deadline_seconds: 7200,
        update_deadline_seconds: 3600,
        delete_deadline_seconds: 3600,
        max_ttl_seconds: None,
        expiry_grace_seconds: 0,
    }
}

async fn create(aws: &Aws, name: &str, spec: &Spec) -> Result<UpstreamWorkspace, CloudError> {
    let credentials = match aws
        .find_object(ObjectKind::Credentials, "our-credentials", spec)
        .await?
    {
        Some(found) => found,
        None => {
            aws.create_object(ObjectKind::Credentials, "our-credentials", spec)
                .await?
        }
    };
    let storage = match aws
        .find_object(ObjectKind::Storage, "our-storage", spec)
        .await?
    {
        Some(found) => found,
        None => {
            aws.create_object(ObjectKind::Storage, "our-storage", spec)
                .await?
        }
    };
    let tags = BTreeMap::from([("brickyard".to_owned(), "marker".to_owned())]);
    aws.create_workspace(NewWorkspace {
        name,
        spec,
        credentials_id: Some(&credentials.id),
        storage_configuration_id: Some(&storage.id),
        network_id: None,
        tags: &tags,
    })
    .await
}

/// A running workspace and a service principal in it.
async fn running(simulator: &Simulator, aws: &Aws) -> (UpstreamWorkspace, ServicePrincipal) {
    let made = create(aws, "team-a-x1y2", &spec()).await.unwrap();
    simulator.advance(Duration::from_secs(1200));
    let found = aws.get_workspace(&made.at.id).await.unwrap().unwrap();
    assert_eq!(found.status, "RUNNING");
    let principal = aws.create_service_principal("our-principal").await.unwrap();
    aws.assign_service_principal(&found.at, &principal)
        .await
        .unwrap();
    (found, principal)
}

fn arrived(simulator: &Simulator, call: Call) -> usize {
    simulator
        .arrivals()
        .iter()
        .filter(|it| it.call == call)
        .count()
}

fn nothing_unexpected(simulator: &Simulator) {
    assert!(
        simulator.unexpected().is_empty(),
        "{:?}",
        simulator.unexpected()
    );
}
