//! What exists outside and what was removed there, beside who may own it.

use super::Evidence;
use super::facts::{called, public, text, upstream};
use super::tokens::VAULT;
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
        let (marker, name) = (self.marker(workspace), upstream(workspace));
        let all = self.inventory.workspaces.iter();
        all.filter(|it| match it.tags.get(TAG) {
            Some(tag) => tag.starts_with(&marker),
            None => it.name == name,
        })
        .collect()
    }

    /// What arrived about one workspace and had its effect.
    fn acted(&self, call: Call, object: &str) -> impl Iterator<Item = &Arrival> {
        let arrivals = self.arrivals.iter();
        arrivals
            .filter(move |it| it.acted && it.call == call && it.object.as_deref() == Some(object))
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
            "ready" => living == ["RUNNING"] && there.iter().any(|it| Some(it.id) == recorded),
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
        let name = upstream(row);
        let asked: Vec<&Arrival> = evidence.acted(Call::CreateWorkspace, &name).collect();
        for pair in asked.windows(2) {
            let removed = evidence
                .acted(Call::DeleteWorkspace, &name)
                .any(|it| (pair[0].sequence..pair[1].sequence).contains(&it.sequence));
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

/// The order in which things may be removed; what is made of several goes after what is made of it.
const ORDER: [Call; 5] = [
    Call::DeleteServicePrincipal,
    Call::DeleteWorkspace,
    Call::DeleteNetwork,
    Call::DeleteStorage,
    Call::DeleteCredentials,
];

/// I13: removed last step first, and only what was made here.
pub(super) fn deletes_in_legal_order(evidence: &Evidence) -> Vec<String> {
    let rows = evidence.facts.rows("workspaces");
    let removals = evidence
        .arrivals
        .iter()
        .filter(|it| it.acted && ORDER.contains(&it.call));
    let mut found = Vec::new();
    let mut given = Vec::new();
    rows.iter()
        .for_each(|row| given_ids(&row["spec"], &mut given));
    let is_of = |row: &Value, it: &Arrival| {
        let object = it.object.clone().unwrap_or_default();
        match it.call {
            Call::DeleteWorkspace => upstream(row) == object,
            _ => object.starts_with(&evidence.marker(row)),
        }
    };
    let owner = |it: &Arrival| rows.iter().position(|row| is_of(row, it));
    // Of those nothing is known but who they were.
    let purged = evidence.facts.tombstones();
    let removals = removals.filter(|it| !purged.iter().any(|row| is_of(row, it)));
    let planted = &evidence.history.planted;
    let removals = removals.filter(|it| {
        !planted
            .iter()
            .any(|id| it.path.ends_with(&format!("/{id}")))
    });
    // How far each workspace's removal has come.
    let mut reached = vec![(0, 0); rows.len()];
    for it in removals {
        let last = it.path.rsplit('/').next().unwrap_or_default();
        let object = it.object.as_deref().unwrap_or("what has no name");
        let Some(owner) = owner(it).filter(|_| !given.contains(&last)) else {
            found.push(format!(
                "call {} ({}) removed {object}, which was not made here",
                it.sequence, it.call
            ));
            continue;
        };
        let rank = ORDER.iter().position(|call| *call == it.call);
        let rank = rank.expect("a removal");
        let (before, sequence) = reached[owner];
        // A workspace that Databricks gave up is removed so that another can be made.
        if rank < before {
            found.push(format!(
                "{}: call {} ({} {object}) came after call {sequence} ({})",
                called(&rows[owner]),
                it.sequence,
                it.call,
                ORDER[before]
            ));
        }
        reached[owner] = (rank, it.sequence);
        let is_recreated = |later: &&Arrival| {
            later.acted
                && later.sequence > it.sequence
                && later.call == Call::CreateWorkspace
                && later.object == it.object
        };
        if it.call == Call::DeleteWorkspace {
            if evidence.arrivals.iter().any(|later| is_recreated(&later)) {
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
    let in_vault = |it: &&Value| it["workspace_id"] == row["id"] && it["store_kind"] == VAULT;
    let token = delivered.into_iter().find(in_vault)?;
    let path = format!("/{}", text(token, "secret_path"));
    let mut arrivals = evidence.arrivals.iter();
    let gone = arrivals.any(|it| {
        it.call == Call::StoreDelete
            && it.acted
            && it.sequence < removal.sequence
            && it.path.ends_with(&path)
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
                if ["credentials_id", "storage_configuration_id", "network_id"]
                    .contains(&name.as_str()) =>
            {
                found.push(id);
            }
            _ => given_ids(value, found),
        }
    }
}
