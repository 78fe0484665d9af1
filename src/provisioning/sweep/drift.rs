//! Ready workspaces that are no longer there as they were: deleted, banned or given up at Databricks, behind our back.
//! Said on the workspace, and taken back if it is there again. Nothing is removed: that is what DELETE is for.

use super::pass::{Pass, leaves};
use crate::cloud::{Failure, UpstreamWorkspace};
use crate::domain::condition::{ConditionStatus, ConditionType, set_condition};
use crate::domain::operation::{OperationKind, OperationStatus};
use crate::domain::phase::{Phase, phase};
use crate::domain::problem::{Code, Explanation, Upstream};
use crate::provisioning::expire;
use crate::provisioning::step::Halt;
use crate::store::sightings::{self, AtRest};
use crate::store::workspaces::{self, Workspace};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use std::collections::HashMap;

/// The codes this file writes, and so may take back.
const OURS: [Code; 3] = [
    Code::DeletedOutside,
    Code::WorkspaceBanned,
    Code::WorkspaceFailed,
];

/// Compares the workspaces at rest with the account's list.
pub(super) async fn sweep(pass: &Pass<'_>, listed: &[UpstreamWorkspace]) -> Result<(), Halt> {
    let listed: HashMap<_, &UpstreamWorkspace> = listed.iter().map(|it| (&it.at.id, it)).collect();
    let mut connection = pass.provisioning.db.acquire().await?;
    let at_rest = sightings::at_rest(&mut connection, pass.account()).await?;
    drop(connection);
    for workspace in &at_rest {
        let there = listed.get(&workspace.external_id).copied();
        match there.filter(|seen| !leaves(&seen.status)) {
            Some(seen) => {
                if workspace.missing {
                    missing(pass, workspace, false).await?;
                }
                here(pass, workspace, seen).await?;
            }
            None if !workspace.ready => {}
            // Once is no proof: a list may lag.
            None if !workspace.missing => missing(pass, workspace, true).await?,
            None => {
                pass.go_on()?;
                absent(pass, workspace).await?;
            }
        }
    }
    Ok(())
}

async fn missing(pass: &Pass<'_>, workspace: &AtRest, missing: bool) -> Result<(), Halt> {
    let mut transaction = pass.begin().await?;
    sightings::missing(&mut transaction, workspace.id, missing).await?;
    transaction.commit().await?;
    Ok(())
}

/// The second list without it: asked for by id.
async fn absent(pass: &Pass<'_>, workspace: &AtRest) -> Result<(), Halt> {
    match pass.provider.get_workspace(&workspace.external_id).await {
        Ok(None) => {
            let id = &workspace.external_id;
            let detail = format!("Databricks no longer knows workspace {id}.");
            lost(
                pass,
                workspace,
                Explanation::new(Code::DeletedOutside, detail),
                "CANCELLED",
                "",
            )
            .await
        }
        // It is on its way out, or the list is wrong.
        Ok(Some(seen)) if leaves(&seen.status) => Ok(()),
        Ok(Some(_)) => missing(pass, workspace, false).await,
        Err(error) if matches!(error.failure, Failure::Throttled(_)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(workspace.id = %workspace.id, %error, "missing from the list");
            Ok(())
        }
    }
}

/// It is listed: as it was, in a state in which it is of no use, or well again.
async fn here(pass: &Pass<'_>, workspace: &AtRest, seen: &UpstreamWorkspace) -> Result<(), Halt> {
    let code = match seen.status.as_str() {
        "BANNED" => Code::WorkspaceBanned,
        // A change of it has failed and said so; it is used all the same.
        "FAILED" if workspace.ready && workspace.code.is_some() => return Ok(()),
        "FAILED" => Code::WorkspaceFailed,
        "RUNNING" if !workspace.ready && is_ours(workspace) => {
            return recovered(pass, workspace, seen).await;
        }
        _ => return Ok(()),
    };
    if !workspace.ready {
        return Ok(());
    }
    let detail = format!(
        "Databricks set workspace {} to {}.",
        seen.at.id, seen.status
    );
    let upstream = Upstream {
        service: "databricks_account".into(),
        status: None,
        error_code: Some(seen.status.clone()),
        message: seen.status_message.clone(),
        request_id: None,
    };
    let explanation = Explanation::new(code, detail).upstream(Some(upstream));
    lost(
        pass,
        workspace,
        explanation,
        &seen.status,
        &seen.status_message,
    )
    .await
}

fn is_ours(workspace: &AtRest) -> bool {
    let code = workspace.code.as_deref();
    OURS.iter().any(|ours| Some(ours.as_str()) == code)
}

/// The row, locked under the lease, if it still is what the pass has read.
async fn locked(
    pass: &Pass<'_>,
    workspace: &AtRest,
) -> Result<Option<(Transaction<'static, Postgres>, Workspace)>, Halt> {
    let mut transaction = pass.provisioning.db.begin().await?;
    // Workspaces first, jobs second, like everybody.
    let row = workspaces::lock(&mut transaction, workspace.id).await?;
    pass.hold(&mut transaction).await?;
    let row = row.filter(|row| {
        let made = row.external.workspace.as_ref().map(|made| &made.id);
        let phase = if workspace.ready {
            Phase::Ready
        } else {
            Phase::Failed
        };
        row.phase == phase && row.active_operation.is_none() && made == Some(&workspace.external_id)
    });
    Ok(row.map(|row| (transaction, row)))
}

async fn lost(
    pass: &Pass<'_>,
    workspace: &AtRest,
    explanation: Explanation,
    status: &str,
    message: &str,
) -> Result<(), Halt> {
    let Some((mut transaction, row)) = locked(pass, workspace).await? else {
        return Ok(());
    };
    let (reason, text) = match explanation.code {
        Code::DeletedOutside => ("DeletedOutside", explanation.detail.as_str()),
        _ => ("Failed", message),
    };
    let conditions = [
        (ConditionType::WorkspaceRunning, reason, text),
        (
            ConditionType::Ready,
            "WorkspaceLost",
            explanation.code.title(),
        ),
    ];
    tracing::warn!(workspace.id = %row.id, code = explanation.code.as_str(), "workspace.lost");
    let told = json!({"name": row.name, "code": explanation.code, "external_id": workspace.external_id.to_string()});
    workspaces::observed(&mut transaction, row.id, status, message).await?;
    write(
        pass,
        &mut transaction,
        &row,
        ConditionStatus::False,
        &conditions,
        Some(&explanation),
    )
    .await?;
    pass.note(&mut transaction, "workspace.lost", row.id, told)
        .await?;
    transaction.commit().await?;
    Ok(())
}

async fn recovered(
    pass: &Pass<'_>,
    workspace: &AtRest,
    seen: &UpstreamWorkspace,
) -> Result<(), Halt> {
    let Some((mut transaction, row)) = locked(pass, workspace).await? else {
        return Ok(());
    };
    let conditions = [
        (
            ConditionType::WorkspaceRunning,
            "Running",
            seen.status_message.as_str(),
        ),
        (ConditionType::Ready, "AllConditionsMet", ""),
    ];
    tracing::info!(workspace.id = %row.id, "workspace.recovered");
    let told = json!({"name": row.name, "external_id": workspace.external_id.to_string()});
    workspaces::observed(&mut transaction, row.id, &seen.status, &seen.status_message).await?;
    write(
        pass,
        &mut transaction,
        &row,
        ConditionStatus::True,
        &conditions,
        None,
    )
    .await?;
    // What was changed meanwhile set no end and moved no job: it was not ready.
    workspaces::begin_life(&mut transaction, row.id).await?;
    if let Some(row) = workspaces::lock(&mut transaction, row.id).await? {
        expire::follow(&mut transaction, &row).await?;
    }
    pass.note(&mut transaction, "workspace.recovered", row.id, told)
        .await?;
    transaction.commit().await?;
    Ok(())
}

async fn write(
    pass: &Pass<'_>,
    transaction: &mut Transaction<'static, Postgres>,
    row: &Workspace,
    status: ConditionStatus,
    set: &[(ConditionType, &str, &str)],
    problem: Option<&Explanation>,
) -> Result<(), Halt> {
    let now = pass.provisioning.clock.now();
    let mut conditions = row.conditions.clone();
    for (condition, reason, message) in set {
        set_condition(&mut conditions, *condition, status, reason, message, now);
    }
    let change = workspaces::Change {
        external: &row.external,
        phase: phase(
            OperationKind::Create,
            OperationStatus::Succeeded,
            &conditions,
        ),
        conditions: &conditions,
        problem,
        last_operation: row.last_operation,
        active_operation: None,
    };
    Ok(workspaces::update(transaction, row.id, &change).await?)
}
