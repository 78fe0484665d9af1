//! Rows that look like real ones: the examples of the document and the tests are made from them by the same code that
//! serves answers.

use super::PublicUrl;
use super::operations::Operation;
use super::operations::view::Beside;
use super::templates::TemplateView;
use super::workspaces::Workspace;
use crate::domain::cloud::{Cloud, ComputeMode};
use crate::domain::condition::{Condition, ConditionStatus, ConditionType};
use crate::domain::demands::{Demands, Wanted};
use crate::domain::external::{ExternalIds, ExternalObject, ExternalWorkspace, Origin};
use crate::domain::id::{OperationId, TokenId, WorkspaceId};
use crate::domain::local::Local;
use crate::domain::operation::{
    OperationKind, OperationStatus, StepRecord, StepStatus, WaitingFor,
};
use crate::domain::phase::Phase;
use crate::domain::problem::{Code, Explanation, Upstream};
use crate::domain::settable::Settable;
use crate::domain::spec::{
    CredentialsSource, NetworkSource, SecretTarget, Spec, StorageSource, TokenFor, TokenSpec,
};
use crate::domain::template::Template;
use crate::store::operations::Operation as OperationRow;
use crate::store::tokens::Token as TokenRow;
use crate::store::workspaces::Workspace as WorkspaceRow;
use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use uuid::Uuid;

/// The operation of the examples.
pub const OPERATION: &str = "op_01kan4v7p9fr9tq5mh2d6xwc8j";
/// The workspace of the examples.
pub const WORKSPACE: &str = "ws_01kan4v7p8e53b0k9rz4gt6ynm";
const REQUEST: &str = "req_01kb1mq3nye0rb46cttw1jx7p2";
const PRINCIPAL: &str = "oidc:dev:ada@example.com";

const STEPS: [&str; 9] = [
    "preflight",
    "create_credentials",
    "create_storage",
    "create_network",
    "create_workspace",
    "await_running",
    "await_reachable",
    "create_service_principal",
    "deliver_token",
];

/// When the examples play: a time with microseconds, as the database has them.
pub fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_795_338_012_345_678).unwrap_or_default()
        + Duration::seconds(seconds)
}

fn operation_id() -> OperationId {
    OPERATION
        .parse()
        .unwrap_or_else(|_| OperationId::from_uuid(Uuid::nil()))
}

fn workspace_id() -> WorkspaceId {
    WORKSPACE
        .parse()
        .unwrap_or_else(|_| WorkspaceId::from_uuid(Uuid::nil()))
}

/// The operation callers would see.
pub fn operation(row: &OperationRow) -> Operation {
    let ahead = (row.status == OperationStatus::Queued).then_some(0);
    let beside = Beside {
        ahead,
        external: None,
    };
    Operation::of(row, &beside, time(90), &PublicUrl::default())
}

/// Just accepted.
pub fn queued() -> OperationRow {
    OperationRow {
        id: operation_id(),
        workspace_id: workspace_id(),
        workspace_name: "analytics-dev".to_owned(),
        team: "data-platform".to_owned(),
        kind: OperationKind::Create,
        status: OperationStatus::Queued,
        plan: STEPS.iter().map(|name| (*name).to_owned()).collect(),
        position: 0,
        steps: STEPS.iter().map(|name| StepRecord::pending(name)).collect(),
        memo: serde_json::Value::Null,
        waiting_for: None,
        message: String::new(),
        warnings: Vec::new(),
        problem: None,
        requested_by: PRINCIPAL.to_owned(),
        request_id: REQUEST.to_owned(),
        traceparent: None,
        retry_of: None,
        not_before: None,
        deadline_at: None,
        created_at: time(0),
        started_at: None,
        finished_at: None,
    }
}

/// Asked to stop while Databricks was building.
pub fn cancelling() -> OperationRow {
    let mut row = running();
    row.status = OperationStatus::Cancelling;
    row
}

/// Databricks is building the workspace.
pub fn running() -> OperationRow {
    let mut row = queued();
    row.status = OperationStatus::Running;
    row.position = 5;
    row.started_at = Some(time(1));
    row.deadline_at = Some(time(7201));
    row.waiting_for = Some(WaitingFor::Databricks);
    row.message = "Databricks is building the workspace.".to_owned();
    for (index, step) in (1_i64..).zip(row.steps.iter_mut().take(6)) {
        step.started_at = Some(time(index));
        step.attempt = 1;
        step.status = StepStatus::Running;
        if index < 6 {
            step.status = StepStatus::Succeeded;
            step.finished_at = Some(time(index + 1));
            step.duration_ms = Some(1000);
        }
    }
    row
}

/// Databricks could not build it.
pub fn failed() -> OperationRow {
    let mut row = running();
    row.status = OperationStatus::Failed;
    row.waiting_for = None;
    row.finished_at = Some(time(80));
    row.problem = Some(
        Explanation::new(
            Code::ElasticIpLimit,
            "Databricks set the workspace to FAILED.",
        )
        .upstream(Some(Upstream {
            service: "databricks_account".to_owned(),
            status: Some(200),
            error_code: None,
            message: "The maximum number of addresses has been reached.".to_owned(),
            request_id: None,
        })),
    );
    if let Some(step) = row.steps.get_mut(5) {
        step.status = StepStatus::Failed;
        step.finished_at = Some(time(80));
        step.duration_ms = Some(74_000);
    }
    row
}

/// An update that was just accepted.
pub fn updating() -> OperationRow {
    let step = "update_workspace";
    let mut row = queued();
    row.kind = OperationKind::Update;
    row.plan = vec![step.to_owned()];
    row.steps = vec![StepRecord::pending(step)];
    row
}

/// A delete that was just accepted.
pub fn deleting() -> OperationRow {
    let mut row = queued();
    row.kind = OperationKind::Delete;
    row.plan.reverse();
    row.steps.reverse();
    row
}

/// A workspace that runs.
pub fn ready() -> WorkspaceRow {
    WorkspaceRow {
        id: workspace_id(),
        name: "analytics-dev".to_owned(),
        team: "data-platform".to_owned(),
        spec: spec(),
        external: ExternalIds {
            network: Some(ExternalObject {
                id: Uuid::nil().to_string(),
                origin: Origin::Given,
            }),
            workspace: Some(ExternalWorkspace {
                id: 7_405_601_234_567_890.into(),
                number: None,
                progress_url: None,
                deployment_name: "dbc-0a1b2c3d-4e5f".to_owned(),
                url: "https://dbc-0a1b2c3d-4e5f.cloud.databricks.com".to_owned(),
            }),
            ..ExternalIds::default()
        },
        workspace_status: Some("RUNNING".to_owned()),
        workspace_status_message: Some("Workspace is running.".to_owned()),
        conditions: vec![Condition {
            condition: ConditionType::Ready,
            status: ConditionStatus::True,
            reason: "AllConditionsMet".to_owned(),
            message: String::new(),
            last_transition_at: time(300),
        }],
        phase: Phase::Ready,
        problem: None,
        wish: None,
        local: Local {
            owner: PRINCIPAL.to_owned(),
            labels: [("purpose".to_owned(), "churn-model".to_owned())].into(),
            deletion_protection: false,
            ttl_seconds: Some(1_209_600),
            expires_at: Some(time(300 + 1_209_600)),
        },
        last_operation: operation_id(),
        active_operation: None,
        version: 9,
        created_at: time(0),
        updated_at: time(300),
        deleted_at: None,
    }
}

/// The workspace callers would see.
pub fn workspace() -> Workspace {
    Workspace::of(&ready(), &PublicUrl::default())
}

fn spec() -> Spec {
    Spec {
        template: "sandbox@3".to_owned(),
        parameters: serde_json::Map::new(),
        account: "main".to_owned(),
        cloud: Cloud::Aws,
        compute_mode: ComputeMode::Classic,
        region: "us-west-2".to_owned(),
        tier: Some("PREMIUM".to_owned()),
        deployment_name: None,
        credentials: Some(CredentialsSource::Existing {
            credentials_id: Uuid::nil().to_string(),
        }),
        storage: Some(StorageSource::Existing {
            storage_configuration_id: Uuid::nil().to_string(),
        }),
        network: Some(NetworkSource::Existing {
            network_id: Uuid::nil().to_string(),
        }),
        azure: None,
        tags: [("cost-center".to_owned(), "4711".to_owned())].into(),
        removed_tags: std::collections::BTreeSet::new(),
        token: TokenSpec {
            token_for: TokenFor::ServicePrincipal,
            lifetime_seconds: 2_592_000,
        },
        secret: SecretTarget {
            store: "vault".to_owned(),
            path: "databricks/data-platform/analytics-dev".to_owned(),
        },
        reachable_from_here: true,
        keep_failed_seconds: 0,
        create_deadline_seconds: 7200,
        update_deadline_seconds: 3600,
        delete_deadline_seconds: 3600,
        max_ttl_seconds: Some(2_592_000),
        expiry_grace_seconds: 86_400,
    }
}

/// A template with something to choose. It compiles: a test of the document's examples would miss it.
pub fn template() -> Option<Template> {
    let settable = Settable {
        region: Some("us-west-2".to_owned()),
        role_arn: Some("arn:aws:iam::111122223333:role/databricks".to_owned()),
        bucket_name: Some("acme-databricks-root".to_owned()),
        token_lifetime_seconds: Some(2_592_000),
        keep_failed_seconds: Some(86_400),
        ..Settable::default()
    };
    let parameters = [
        ("region", json!({"enum": ["us-west-2", "eu-central-1"]})),
        ("token_lifetime_seconds", json!({"maximum": 2_592_000})),
    ];
    let demands = Demands::compile(&Wanted {
        name_pattern: None,
        required_tags: &[("cost-center".to_owned(), "^[0-9]{4}$".to_owned())].into(),
        parameters: &parameters
            .map(|(name, schema)| (name.to_owned(), schema))
            .into(),
        defaults: &settable,
        required: &[],
    });
    Some(Template {
        name: "sandbox".to_owned(),
        version: 3,
        description: "For trying things out.".to_owned(),
        account: "main".to_owned(),
        cloud: Cloud::Aws,
        compute_mode: ComputeMode::Classic,
        settable,
        demands: demands.ok()?,
        tags: [("managed-by".to_owned(), "platform".to_owned())].into(),
        azure: None,
        token_for: TokenFor::ServicePrincipal,
        secret_store: "vault".to_owned(),
        secret_path: "databricks/{team}/{name}".to_owned(),
        reachable_from_here: true,
        create_deadline_seconds: 7200,
        update_deadline_seconds: 3600,
        delete_deadline_seconds: 3600,
        ttl_seconds: Some(1_209_600),
        max_ttl_seconds: Some(2_592_000),
        expiry_grace_seconds: 86_400,
        deletion_protection: None,
    })
}

/// The template callers would see.
pub fn template_view() -> Option<TemplateView> {
    Some(TemplateView::of(&template()?, vec![2, 3]))
}

/// A token that lies in the store.
pub fn token() -> TokenRow {
    let id = TokenId::from_uuid(workspace_id().uuid());
    TokenRow {
        id,
        workspace_id: workspace_id(),
        team: "data-platform".to_owned(),
        principal: "service_principal:6b0c1e5e-7c1d-4c9f-8b57-0d6f6f0a1c3b".to_owned(),
        generation: 1,
        status: "active".to_owned(),
        external_id: "0f".repeat(32),
        store: "vault".to_owned(),
        store_kind: "vault_kv2".to_owned(),
        secret_path: "databricks/data-platform/analytics-dev".to_owned(),
        secret_version: "1".to_owned(),
        created_at: time(299),
        expires_at: Some(time(2_592_299)),
        revoked_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_are_ids() {
        assert_eq!(operation_id().to_string(), OPERATION);
        assert_eq!(workspace_id().to_string(), WORKSPACE);
    }
}
