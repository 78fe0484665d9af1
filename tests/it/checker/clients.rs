//! What clients were told, compared with what others were told and with what is there.

use super::Evidence;
use super::facts::{public, text};
use super::history::Exchange;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// For so long a key is kept.
const KEPT: TimeDelta = TimeDelta::days(7);

/// I11: every accepted answer to one caller's key, route and body names the same operation, and so does its row; as long
/// as the key is kept.
pub(super) fn one_key_one_answer(evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    let mut told: BTreeMap<(&str, &str, &str), String> = BTreeMap::new();
    let mut since = BTreeMap::new();
    for exchange in &evidence.history.exchanges {
        let (Some(key), Some(operation)) = (&exchange.key, exchange.operation()) else {
            continue;
        };
        let scope = (
            exchange.subject.as_str(),
            exchange.path.as_str(),
            key.as_str(),
        );
        let accepted = exchange.accepted_at();
        let free = |first: &Option<DateTime<Utc>>| {
            accepted
                .zip(*first)
                .is_some_and(|(now, first)| now - first >= KEPT)
        };
        match told.get(&scope) {
            _ if since.get(&scope).is_none_or(free) => {
                told.insert(scope, operation);
                since.insert(scope, accepted);
            }
            Some(first) if *first != operation => {
                found.push(format!(
                    "{} was told {first} under key {key}, and then {operation}",
                    exchange.subject
                ));
            }
            _ => {}
        }
    }
    for row in evidence.facts.rows("idempotency_keys") {
        let known = told.iter().find(|((subject, path, key), _)| {
            *key == text(row, "key")
                && text(row, "principal").ends_with(&format!(":{subject}"))
                && text(row, "route").ends_with(path)
        });
        let recorded = public("op", text(row, "operation_id"));
        if let Some((_, operation)) = known.filter(|(_, it)| **it != recorded) {
            found.push(format!(
                "key {} was answered with {operation} and is kept for {recorded}",
                text(row, "key")
            ));
        }
    }
    found
}

/// The team a group's members are in; every team's for those who may read all.
const GROUPS: [(&str, &str); 4] = [
    ("viewers", "data-platform"),
    ("requesters", "data-platform"),
    ("operators", "data-platform"),
    ("other-requesters", "other-team"),
];

fn teams(exchange: &Exchange) -> Option<Vec<&'static str>> {
    let team = |group: &String| GROUPS.iter().find(|(name, _)| name == group);
    let teams = exchange
        .groups
        .iter()
        .map(|group| team(group).map(|(_, team)| *team));
    // Whoever has another group may see more than we know.
    let teams = teams.collect::<Option<Vec<&str>>>()?;
    (!teams.is_empty()).then_some(teams)
}

/// I14: no id of one team's things in an answer to somebody of other teams only, unless he named it himself.
pub(super) fn teams_do_not_see_each_other(evidence: &Evidence) -> Vec<String> {
    let mut owners = BTreeMap::new();
    for (table, prefix) in [
        ("workspaces", "ws"),
        ("operations", "op"),
        ("tokens", "tok"),
    ] {
        for row in evidence.facts.rows(table) {
            owners.insert(public(prefix, text(row, "id")), text(row, "team"));
        }
    }
    let mut found = Vec::new();
    for exchange in &evidence.history.exchanges {
        let Some(teams) = teams(exchange) else {
            continue;
        };
        for (id, owner) in &owners {
            let named = exchange.path.contains(id) || exchange.body.contains(id);
            if !teams.contains(owner) && !named && exchange.text.contains(id) {
                found.push(format!(
                    "{} of {teams:?} was told of {id} of {owner} by {} {}",
                    exchange.subject, exchange.method, exchange.path
                ));
            }
        }
    }
    found
}
