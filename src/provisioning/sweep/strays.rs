//! Stray tokens: PATs with our marker in a ready workspace that are not the delivered one, such as those of a mint that
//! landed after everybody had given it up. They are revoked without being asked: at rest a workspace has one live PAT,
//! and nobody knows the value of another.

use super::orphans;
use super::pass::Pass;
use crate::cloud::{CloudError, ListedToken, ServicePrincipal};
use crate::domain::id::WorkspaceId;
use crate::domain::marker::{MarkerKind, marked};
use crate::domain::phase::Phase;
use crate::provisioning::step::Halt;
use crate::provisioning::steps::token_owner;
use crate::store::orphans::{self as known, Thing};
use crate::store::workspaces::{self, Workspace};
use crate::store::{Teams, sightings, tokens};

/// Workspaces whose tokens are listed in one pass. The others have their turn in the next ones.
const WORKSPACES: i64 = 100;

/// Looks at the tokens of some workspaces, and drops what is known of those that ended with their workspace.
pub(super) async fn sweep(pass: &Pass<'_>) -> Result<(), Halt> {
    let settle = pass.provisioning.settings.settle;
    let mut connection = pass.provisioning.db.acquire().await?;
    let due = sightings::tokens_due(&mut connection, pass.account(), settle, WORKSPACES).await?;
    drop(connection);
    for workspace in due {
        pass.go_on()?;
        look(pass, workspace).await?;
    }
    ended(pass).await
}

async fn look(pass: &Pass<'_>, id: WorkspaceId) -> Result<(), Halt> {
    let mut connection = pass.provisioning.db.acquire().await?;
    let row = workspaces::get(&mut connection, id, &Teams::All).await?;
    drop(connection);
    let Some(row) = row else { return Ok(()) };
    let listed = match list(pass, &row).await {
        Ok(listed) => listed,
        Err(error) => {
            // One workspace that does not answer must not keep the others from being looked at.
            tracing::warn!(workspace.id = %id, %error, "cannot list its tokens");
            let mut transaction = pass.begin().await?;
            sightings::tokens_listed(&mut transaction, id).await?;
            transaction.commit().await?;
            return Ok(());
        }
    };
    let instance = &pass.provisioning.settings.instance;
    let ours = listed
        .into_iter()
        .filter(|token| marked(instance, MarkerKind::Token, &token.comment) == Some(id));
    let ours: Vec<Thing> = ours
        .map(|token| Thing {
            kind: MarkerKind::Token.as_str(),
            id: token.id,
            marker: token.comment,
            workspace: id,
        })
        .collect();
    for stray in strays(pass, id, ours).await? {
        pass.go_on()?;
        match revoke(pass, &row, &stray.id).await {
            Ok(()) => orphans::removed(pass, &stray).await?,
            Err(error) => {
                tracing::warn!(workspace.id = %id, id = stray.id, %error, "orphan.stays");
            }
        }
    }
    Ok(())
}

/// Those of the listed that are not the workspace's, written down. What was listed before is judged by what is recorded
/// now: a token that somebody has delivered meanwhile is recorded, and one that is minted now was not listed.
async fn strays(pass: &Pass<'_>, id: WorkspaceId, ours: Vec<Thing>) -> Result<Vec<Thing>, Halt> {
    let mut transaction = pass.provisioning.db.begin().await?;
    let row = workspaces::lock(&mut transaction, id).await?;
    pass.hold(&mut transaction).await?;
    let at_rest = |row: &Workspace| row.phase == Phase::Ready && row.active_operation.is_none();
    let Some(row) = row.filter(at_rest) else {
        return Ok(Vec::new());
    };
    let mut recorded = tokens::live_ids(&mut transaction, id).await?;
    recorded.extend(row.external.token.map(|token| token.id));
    let mut strays = ours;
    strays.retain(|token| !recorded.contains(&token.id));
    for stray in &strays {
        orphans::see(pass, &mut transaction, stray).await?;
        orphans::ask_removal(pass, &mut transaction, stray).await?;
    }
    for orphan in known::list(&mut transaction, pass.account()).await? {
        let token = orphans::of(&orphan);
        let here = token.kind == MarkerKind::Token.as_str() && token.workspace == id;
        if here && !strays.contains(&token) {
            orphans::gone(pass, &mut transaction, &token, false).await?;
        }
    }
    sightings::tokens_listed(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(strays)
}

/// Tokens end with their workspace.
async fn ended(pass: &Pass<'_>) -> Result<(), Halt> {
    let mut transaction = pass.begin().await?;
    for orphan in known::list(&mut transaction, pass.account()).await? {
        let token = orphans::of(&orphan);
        if token.kind != MarkerKind::Token.as_str() {
            continue;
        }
        let row = workspaces::get(&mut transaction, token.workspace, &Teams::All).await?;
        if row.is_none_or(|row| row.phase == Phase::Deleted) {
            orphans::gone(pass, &mut transaction, &token, false).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

fn principal(row: &Workspace) -> Option<ServicePrincipal> {
    let principal = row.external.service_principal.as_ref()?;
    Some(ServicePrincipal {
        id: principal.id.clone(),
        application_id: principal.application_id.clone(),
    })
}

async fn list(pass: &Pass<'_>, row: &Workspace) -> Result<Vec<ListedToken>, CloudError> {
    let principal = principal(row);
    let owner = token_owner(principal.as_ref(), row.spec.token.token_for);
    match (&row.external.workspace, owner) {
        (Some(made), Some(owner)) => pass.provider.list_tokens(made, owner).await,
        _ => Ok(Vec::new()),
    }
}

async fn revoke(pass: &Pass<'_>, row: &Workspace, token: &str) -> Result<(), CloudError> {
    let principal = principal(row);
    let owner = token_owner(principal.as_ref(), row.spec.token.token_for);
    match (&row.external.workspace, owner) {
        (Some(made), Some(owner)) => pass.provider.revoke_token(made, owner, token).await,
        _ => Ok(()),
    }
}
