//! What exists outside and what was removed there, beside who may own it.

use super::Evidence;
use super::facts::{called, public, text};
use super::kinds::{KINDS, Kind, is_named, is_path_of};
use super::tokens::name_in_store;
use serde_json::Value;
use simulator::inventory::WorkspaceRecord;
use simulator::{Arrival, Call};

/// The tag that carries a workspace's marker.
const TAG: &str = "brickyard";

impl Evidence {
    /// What every marker of a workspace begins with.
    pub(super) fn marker(&self, workspace: &Value) -> String {
        let id = public("ws", text(workspace, "id"));
        format!("{}-{id}-", self.terms.instance)
    }

    fn is_ours(&self, name: &str) -> bool {
        name.starts_with(&format!("{}-ws_", self.terms.instance))
    }

    /// The row a marker speaks of.
    fn owner(&self, marker: &str) -> Option<&Value> {
        let rows = self.facts.rows("workspaces").iter();
        rows.into_iter()
            .find(|row| marker.starts_with(&self.marker(row)))
    }

    fn workspaces_of(&self, workspace: &Value) -> Vec<&WorkspaceRecord> {
        let marker = self.marker(workspace);
        let all = self.inventory.workspaces.iter();
        all.filter(|it| match it.tags.get(TAG) {
            Some(tag) => tag.starts_with(&marker),
            None => is_named(workspace, &it.name),
        })
        .collect()
    }
}

fn is_going(workspace: &WorkspaceRecord) -> bool {
    matches!(workspace.status.as_str(), "CANCELLING" | "CANCELLED")
}

/// I1: one workspace at Databricks for one that is ready, none once it is undone, never two; and another one was asked
/// for only after the one before was removed.
pub(super) fn one_workspace_per_request(evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    for row in evidence.facts.rows("workspaces") {
        if evidence.facts.forgotten(row) {
            continue;
        }
        let there = evidence.workspaces_of(row);
        let living: Vec<&str> = there
            .iter()
            .filter(|it| !is_going(it))
            .map(|it| it.status.as_str())
            .collect();
        let workspace = &row["external"]["workspace"];
        // On Azure the id is another, and the number stands beside it.
        let recorded = workspace["id"].as_i64().or(workspace["number"].as_i64());
        let fits = match text(row, "phase") {
            "ready" => {
                // A change that failed leaves it so, and says so.
                let broken = !row["problem"].is_null() && living == ["FAILED"];
                let here = there.iter().any(|it| Some(it.id) == recorded);
                (living == ["RUNNING"] || broken) && here
            }
            "updating" => living.len() == 1,
            "deleted" => living.is_empty() && recorded.is_none(),
            _ => living.len() <= 1,
        };
        if !fits {
            let ids: Vec<(i64, &str)> =
                there.iter().map(|it| (it.id, it.status.as_str())).collect();
            found.push(format!(
                "{} has {ids:?} at Databricks, recorded is {recorded:?}",
                called(row)
            ));
        }
        let asked = evidence.acted(row, |kind, call| kind.create == call);
        let asked: Vec<&Arrival> = asked.collect();
        for pair in asked.windows(2) {
            let between = pair[0].sequence..pair[1].sequence;
            let removed = evidence
                .acted(row, |kind, call| kind.removal == call)
                .any(|it| it.object == pair[0].object && between.contains(&it.sequence));
            if !removed {
                found.push(format!(
                    "{} was created by call {} and again by call {}, with the first still there",
                    called(row),
                    pair[0].sequence,
                    pair[1].sequence
                ));
            }
        }
    }
    found
}

/// I17: what is ready, and of which nothing could not be done, has the tags that it shall have, and none that were taken
/// from it. Tags that do not show yet tell nothing.
pub(super) fn tags_are_as_they_shall_be(evidence: &Evidence) -> Vec<String> {
    let rows = evidence.facts.rows("workspaces").iter();
    let well = rows.filter(|row| text(row, "phase") == "ready" && row["problem"].is_null());
    let there = well.flat_map(|row| {
        let there = evidence.workspaces_of(row).into_iter();
        there.map(move |it| (row, it))
    });
    there
        .filter(|(_, it)| it.tags.contains_key(TAG))
        .filter_map(|(row, it)| {
            let wanted = row["spec"]["tags"].as_object()?;
            let has = |(name, value): (&String, &Value)| {
                it.tags.get(name).map(String::as_str) == value.as_str()
            };
            let mut removed = row["spec"]["removed_tags"].as_array().into_iter().flatten();
            let stays = removed.any(|name| it.tags.contains_key(name.as_str().unwrap_or_default()));
            (!wanted.iter().all(has) || stays).then(|| {
                let (tags, spec) = (&it.tags, &row["spec"]["tags"]);
                format!(
                    "{} has the tags {tags:?}, and shall have {spec}",
                    called(row)
                )
            })
        })
        .collect()
}

/// I2: nothing with our prefix that no living request owns, and nothing twice.
pub(super) fn nothing_without_an_owner(evidence: &Evidence) -> Vec<String> {
    let inventory = &evidence.inventory;
    let of = |kind: &'static str, objects: &[simulator::inventory::ObjectRecord]| {
        let objects = objects.iter().map(move |it| (kind, it.name.clone()));
        objects.collect::<Vec<_>>()
    };
    let mut names = of("credentials", &inventory.credentials);
    names.extend(of(
        "storage_configuration",
        &inventory.storage_configurations,
    ));
    names.extend(of("network", &inventory.networks));
    names.extend(of("security_group", &inventory.security_groups));
    let principals = inventory.service_principals.iter();
    names.extend(principals.map(|it| ("service_principal", it.display_name.clone())));
    let mut found = Vec::new();
    for (at, (kind, name)) in names.iter().enumerate() {
        if !evidence.is_ours(name) {
            continue;
        }
        match evidence.owner(name) {
            None => found.push(format!("{kind} {name} is of no workspace we know")),
            Some(row) if text(row, "phase") == "deleted" && !evidence.facts.forgotten(row) => {
                found.push(format!("{kind} {name} is left of {}", called(row)));
            }
            Some(_) if names[..at].contains(&(*kind, name.clone())) => {
                found.push(format!("{kind} {name} is there twice"));
            }
            Some(_) => {}
        }
    }
    for workspace in &inventory.workspaces {
        let tag = workspace.tags.get(TAG);
        if let Some(tag) = tag.filter(|tag| evidence.is_ours(tag))
            && evidence.owner(tag).is_none()
        {
            found.push(format!(
                "workspace {} at Databricks says {tag}, which is of no workspace we know",
                workspace.id
            ));
        }
    }
    found
}

/// I13: removed last step first, and only what was made here.
pub(super) fn deletes_in_legal_order(evidence: &Evidence) -> Vec<String> {
    let rows = evidence.facts.rows("workspaces");
    let mut found = Vec::new();
    let mut given = Vec::new();
    rows.iter()
        .for_each(|row| given_ids(&row["spec"], &mut given));
    let planted = &evidence.history.planted;
    // Of those nothing is known but who they were.
    let purged = evidence.facts.tombstones();
    // How far each workspace's removal has come.
    let mut reached = vec![(0, 0); rows.len()];
    for it in evidence.arrivals.iter().filter(|it| it.acted) {
        let Some((rank, kind)) = Kind::removed_by(it.call) else {
            continue;
        };
        let name = it.object.as_deref().unwrap_or_default();
        if planted.iter().any(|id| is_path_of(&it.path, id))
            || purged.iter().any(|row| evidence.is_of(row, kind, name))
        {
            continue;
        }
        let owner = rows
            .iter()
            .position(|row| evidence.is_of(row, kind, name))
            .filter(|_| !given.iter().any(|id| is_path_of(&it.path, id)));
        let Some(owner) = owner else {
            found.push(format!(
                "call {} ({}) removed {:?}, which was not made here",
                it.sequence, it.call, it.object
            ));
            continue;
        };
        // Who comes late removes what is gone already.
        let mut about = evidence
            .arrivals
            .iter()
            .filter(|that| that.sequence < it.sequence && that.acted && that.object == it.object);
        let last = about.rfind(|that| [kind.create, kind.removal].contains(&that.call));
        if last.is_some_and(|last| last.call == it.call) {
            continue;
        }
        let (before, sequence) = reached[owner];
        if rank < before {
            found.push(format!(
                "{}: call {} ({} {name}) came after call {sequence} ({})",
                called(&rows[owner]),
                it.sequence,
                it.call,
                KINDS[before].removal
            ));
        }
        reached[owner] = (rank, it.sequence);
        if kind.is_workspace() {
            let asked = |kind: &Kind, call| kind.create == call;
            let mut asked = evidence.acted(&rows[owner], asked);
            // A workspace that Databricks gave up is removed so that another can be made.
            if asked.any(|later| later.sequence > it.sequence) {
                reached[owner] = (0, it.sequence);
            } else if let Some(words) = secret_left(evidence, &rows[owner], it) {
                found.push(words);
            }
        }
    }
    found
}

/// The secret goes before its workspace does.
fn secret_left(evidence: &Evidence, row: &Value, removal: &Arrival) -> Option<String> {
    let delivered = evidence.facts.rows("tokens").iter();
    let mut delivered = delivered.filter(|it| it["workspace_id"] == row["id"]);
    let name = delivered.find_map(name_in_store)?;
    let mut arrivals = evidence.arrivals.iter();
    let gone = arrivals.any(|it| {
        it.call == Call::StoreDelete
            && it.acted
            && it.sequence < removal.sequence
            && it.object.as_deref() == Some(&name)
    });
    (!gone).then(|| {
        format!(
            "{}: call {} removed it while its secret was in the store",
            called(row),
            removal.sequence
        )
    })
}

/// The ids in a spec of what was given and must stay.
fn given_ids<'a>(spec: &'a Value, found: &mut Vec<&'a str>) {
    let Value::Object(members) = spec else {
        return;
    };
    for (name, value) in members {
        match value.as_str() {
            Some(id)
                if [
                    "credentials_id",
                    "storage_configuration_id",
                    "network_id",
                    "vnet_id",
                ]
                .contains(&name.as_str()) =>
            {
                found.push(id);
            }
            _ => given_ids(value, found),
        }
    }
}
