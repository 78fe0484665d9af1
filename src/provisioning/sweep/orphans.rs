//! Orphans: reported once, remembered, and removed only where the operator says so.

use super::pass::{KINDS, Pass};
use crate::cloud::{CloudError, Failure, ObjectKind};
use crate::domain::external::UpstreamId;
use crate::domain::marker::MarkerKind;
use crate::provisioning::step::Halt;
use crate::store::orphans::{self, Thing};
use serde_json::json;
use sqlx::PgConnection;
use std::collections::HashSet;

/// Reports what is new and what is gone, of what the account holds. Tokens are not the account's.
pub(super) async fn report(pass: &Pass<'_>, seen: &[Thing]) -> Result<(), Halt> {
    let mut connection = pass.provisioning.db.acquire().await?;
    let known = orphans::list(&mut connection, pass.account()).await?;
    let suspects = unowned(pass, &mut connection, seen).await?;
    drop(connection);
    let is_known = |thing: &Thing| {
        let same = |it: &orphans::Orphan| it.kind == thing.kind && it.id == thing.id;
        known.iter().any(same)
    };
    // What was listed and had no owner afterwards may have been removed with its workspace in between. If it is still
    // there now, it is left behind.
    let mut there = HashSet::new();
    for kind in KINDS {
        let new = |thing: &&Thing| thing.kind == kind.as_str() && !is_known(thing);
        if suspects.iter().any(|thing| new(&thing)) {
            pass.go_on()?;
            there.extend(pass.things(kind).await?.into_iter().map(key));
        }
    }
    let confirmed: Vec<Thing> = suspects
        .into_iter()
        .filter(|thing| is_known(thing) || there.contains(&key(thing.clone())))
        .collect();
    let mut transaction = pass.begin().await?;
    let found = unowned(pass, &mut transaction, &confirmed).await?;
    for thing in &found {
        see(pass, &mut transaction, thing).await?;
    }
    for orphan in &known {
        let stays = |thing: &Thing| thing.kind == orphan.kind && thing.id == orphan.id;
        if orphan.kind == MarkerKind::Token.as_str() || found.iter().any(stays) {
            continue;
        }
        let owned = seen.iter().any(stays);
        gone(pass, &mut transaction, &of(orphan), owned).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Removes the orphans that have been known for long enough, what uses others first.
pub(super) async fn remove(pass: &Pass<'_>) -> Result<(), Halt> {
    let least = pass.provisioning.settings.sweep.delete_after.as_secs_f64();
    let mut connection = pass.provisioning.db.acquire().await?;
    let known = orphans::list(&mut connection, pass.account()).await?;
    drop(connection);
    for kind in KINDS {
        let old = known.iter().filter(|it| it.age_seconds > least);
        let due: Vec<Thing> = old.filter(|it| it.kind == kind.as_str()).map(of).collect();
        if due.is_empty() {
            continue;
        }
        // One more look: ids are the vendor's, and the marker must still be ours.
        let there = pass.things(kind).await?;
        for thing in due.iter().filter(|thing| there.contains(thing)) {
            pass.go_on()?;
            remove_one(pass, kind, thing).await?;
        }
    }
    Ok(())
}

async fn remove_one(pass: &Pass<'_>, kind: MarkerKind, thing: &Thing) -> Result<(), Halt> {
    let mut transaction = pass.begin().await?;
    let unowned = unowned(pass, &mut transaction, std::slice::from_ref(thing)).await?;
    if unowned.is_empty() {
        return Ok(());
    }
    ask_removal(pass, &mut transaction, thing).await?;
    transaction.commit().await?;
    match delete(pass, kind, &thing.id).await {
        Ok(()) => removed(pass, thing).await,
        Err(error) if matches!(error.failure, Failure::Throttled(_)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(account = pass.account(), kind = thing.kind, id = thing.id, %error, "orphan.stays");
            Ok(())
        }
    }
}

async fn delete(pass: &Pass<'_>, kind: MarkerKind, id: &str) -> Result<(), CloudError> {
    let provider = pass.provider;
    match kind {
        MarkerKind::Workspace => {
            let id = UpstreamId::read(id);
            provider.delete_workspace(&id, false).await
        }
        MarkerKind::Network => provider.delete_object(ObjectKind::Network, id).await,
        MarkerKind::Storage => provider.delete_object(ObjectKind::Storage, id).await,
        MarkerKind::Credentials => provider.delete_object(ObjectKind::Credentials, id).await,
        MarkerKind::ServicePrincipal => provider.delete_service_principal(id).await,
        // They are revoked in their workspace.
        MarkerKind::Token => Ok(()),
    }
}

/// Writes down that an orphan is there; tells it if that is news.
pub(super) async fn see(pass: &Pass<'_>, db: &mut PgConnection, thing: &Thing) -> Result<(), Halt> {
    if !orphans::see(db, pass.account(), thing).await? {
        return Ok(());
    }
    let now = pass.provisioning.clock.now();
    tracing::warn!(
        account = pass.account(),
        kind = thing.kind,
        id = thing.id,
        marker = thing.marker,
        first_seen = %now,
        "orphan.found"
    );
    pass.note(db, "orphan.found", thing.workspace, detail(pass, thing))
        .await
}

/// Writes down, the first time, that the removal is asked for: before it is, for the answer may be lost.
pub(super) async fn ask_removal(
    pass: &Pass<'_>,
    db: &mut PgConnection,
    thing: &Thing,
) -> Result<(), Halt> {
    if orphans::ask_removal(db, pass.account(), thing.kind, &thing.id).await? {
        let detail = detail(pass, thing);
        pass.note(db, "orphan.removal_asked", thing.workspace, detail)
            .await?;
    }
    Ok(())
}

/// Writes down that a removal was accepted.
pub(super) async fn removed(pass: &Pass<'_>, thing: &Thing) -> Result<(), Halt> {
    let mut transaction = pass.begin().await?;
    if orphans::drop_known(&mut transaction, pass.account(), thing.kind, &thing.id).await? {
        let detail = detail(pass, thing);
        pass.note(&mut transaction, "orphan.removed", thing.workspace, detail)
            .await?;
    }
    transaction.commit().await?;
    let (kind, id) = (thing.kind, &thing.id);
    tracing::info!(account = pass.account(), kind, id, "orphan.removed");
    Ok(())
}

/// Drops one that is no orphan any more: it is no longer there, or has an owner.
pub(super) async fn gone(
    pass: &Pass<'_>,
    db: &mut PgConnection,
    thing: &Thing,
    owned: bool,
) -> Result<(), Halt> {
    if !orphans::drop_known(db, pass.account(), thing.kind, &thing.id).await? {
        return Ok(());
    }
    let (kind, id) = (thing.kind, &thing.id);
    tracing::info!(account = pass.account(), kind, id, owned, "orphan.gone");
    let mut detail = detail(pass, thing);
    detail["owned"] = owned.into();
    pass.note(db, "orphan.gone", thing.workspace, detail).await
}

/// A known orphan as a thing. A kind that this version does not know is nothing that it lists.
pub(super) fn of(orphan: &orphans::Orphan) -> Thing {
    let kinds = KINDS.iter().chain([&MarkerKind::Token]);
    let kind = kinds
        .map(|kind| kind.as_str())
        .find(|kind| *kind == orphan.kind);
    Thing {
        kind: kind.unwrap_or_default(),
        id: orphan.id.clone(),
        marker: orphan.marker.clone(),
        workspace: orphan.workspace,
    }
}

fn key(thing: Thing) -> (&'static str, String) {
    (thing.kind, thing.id)
}

fn detail(pass: &Pass<'_>, thing: &Thing) -> serde_json::Value {
    json!({"account": pass.account(), "kind": thing.kind, "external_id": thing.id, "marker": thing.marker})
}

async fn unowned(
    pass: &Pass<'_>,
    db: &mut PgConnection,
    things: &[Thing],
) -> Result<Vec<Thing>, Halt> {
    if things.is_empty() {
        return Ok(Vec::new());
    }
    let places = orphans::unowned(db, things, pass.provisioning.settings.settle).await?;
    Ok(places
        .into_iter()
        .filter_map(|place| things.get(place).cloned())
        .collect())
}
