//! Tokens at Databricks, their rows, and what the store holds.

use super::Evidence;
use super::facts::{called, text};
use chrono::DateTime;
use serde_json::Value;
use simulator::inventory::{SecretRecord, TokenRecord};

/// How rows call a store, and what a path is in its names.
type Store = (&'static str, fn(&str) -> String);

/// The stores whose secrets are seen here.
const STORES: [Store; 3] = [
    ("vault_kv2", str::to_owned),
    ("aws_secrets_manager", str::to_owned),
    ("azure_key_vault", |path| path.replace('/', "--")),
];

/// The name of a delivered token's secret; none if it lies in a file.
pub(super) fn name_in_store(record: &Value) -> Option<String> {
    let kind = text(record, "store_kind");
    let (_, name) = STORES.iter().find(|(store, _)| *store == kind)?;
    Some(name(text(record, "secret_path")))
}

impl Evidence {
    fn tokens_of(&self, workspace: &Value) -> Vec<&TokenRecord> {
        let marker = format!("{}token-", self.marker(workspace));
        let all = self.inventory.tokens.iter();
        all.filter(|it| it.comment.starts_with(&marker)).collect()
    }

    /// The rows of a workspace's tokens that are in use.
    fn active(&self, workspace: &Value) -> Vec<&Value> {
        let rows = self.facts.rows("tokens").iter();
        rows.filter(|it| it["workspace_id"] == workspace["id"] && text(it, "status") == "active")
            .collect()
    }
}

/// Whether a workspace is to have a token when it is ready.
fn has_token(workspace: &Value) -> bool {
    workspace["spec"]["reachable_from_here"] != false
}

/// I3: one live token of a ready workspace, recorded; none of one that is gone; never two at rest.
pub(super) fn one_live_token(evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    for row in evidence.facts.rows("workspaces") {
        if evidence.facts.forgotten(row) {
            continue;
        }
        let live: Vec<&str> = evidence
            .tokens_of(row)
            .iter()
            .map(|it| it.id.as_str())
            .collect();
        let recorded: Vec<&str> = evidence
            .active(row)
            .iter()
            .map(|it| text(it, "external_id"))
            .collect();
        let parked =
            evidence.facts.rows("operations").iter().any(|it| {
                it["workspace_id"] == row["id"] && text(it, "status") == "needs_attention"
            });
        let fits = match text(row, "phase") {
            "ready" if has_token(row) => live.len() == 1 && live == recorded,
            "ready" | "deleted" => live.is_empty() && recorded.is_empty(),
            // Who is parked may have been about to revoke one.
            _ => live.len() <= 1 || parked,
        };
        if !fits {
            found.push(format!(
                "{} has live tokens {live:?}, recorded are {recorded:?}",
                called(row)
            ));
        }
    }
    found
}

/// I4: the store's current value is the live token, and what is written beside it and about it says so.
pub(super) fn the_store_holds_it(evidence: &Evidence) -> Vec<String> {
    let mut found = Vec::new();
    let rows = evidence.facts.rows("workspaces");
    let living = |path: &str| {
        rows.iter().any(|row| {
            text(row, "phase") != "deleted" && text(&row["spec"]["secret"], "path") == path
        })
    };
    for row in rows {
        let path = text(&row["spec"]["secret"], "path");
        if evidence.facts.forgotten(row) {
            continue;
        }
        match text(row, "phase") {
            "ready" if has_token(row) => {
                // Without exactly one there is nothing to compare with, and I3 has said so.
                if let [live] = evidence.tokens_of(row)[..]
                    && let [record] = evidence.active(row)[..]
                    && let Some(words) = differs(evidence, live, record)
                {
                    found.push(format!("{}: {words}", called(row)));
                }
            }
            "deleted" if !living(path) => {
                let ours = secret_at(evidence, path).is_some_and(|secret| {
                    let id = super::facts::public("ws", text(row, "id"));
                    written(secret, "workspace") == id
                });
                if ours {
                    found.push(format!("{} left a secret at {path}", called(row)));
                }
            }
            _ => {}
        }
    }
    found
}

/// What lies at a path in whatever store.
fn secret_at<'a>(evidence: &'a Evidence, path: &str) -> Option<&'a SecretRecord> {
    let secrets = &evidence.inventory.secrets;
    STORES.iter().find_map(|(_, name)| secrets.get(&name(path)))
}

/// What is written beside a secret: in AWS and Azure, tags of ours have our name before their own.
fn written<'a>(secret: &'a SecretRecord, key: &str) -> &'a str {
    let tags = ["", "brickyard:", "brickyard-about-"].map(|before| format!("{before}{key}"));
    let found = tags.iter().find_map(|tag| secret.metadata.get(tag));
    found.map_or("", String::as_str)
}

/// What the store says otherwise than the live token and its record.
fn differs(evidence: &Evidence, live: &TokenRecord, record: &Value) -> Option<String> {
    let Some(name) = name_in_store(record) else {
        let files = evidence.files.values();
        let held = files.filter(|it| it.as_ref() == Some(&live.value)).count();
        return (held != 1).then(|| format!("{held} files hold the live token {}", live.id));
    };
    let Some(secret) = evidence.inventory.secrets.get(&name) else {
        return Some(format!("there is no secret {name}"));
    };
    let (_, value) = secret.versions.last_key_value()?;
    let current = secret.current.as_deref().unwrap_or("none");
    let value = value.as_ref().and_then(|data| data.get("token")?.as_str());
    if value != Some(&live.value) {
        return Some(format!(
            "version {current} of {name} is not the live token {}",
            live.id
        ));
    }
    let version = text(record, "secret_version");
    if version != current {
        return Some(format!(
            "version {version} is recorded, current is {current}"
        ));
    }
    let says = |key: &str| written(secret, key);
    let ends = |text: &str| {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|it| it.timestamp_millis())
    };
    let pairs = [
        ("token_id", says("token_id") == live.id),
        ("version", says("version") == version),
        (
            "generation",
            says("generation").parse().ok() == record["generation"].as_u64(),
        ),
        ("expires_at", ends(says("expires_at")) == Some(live.expiry)),
    ];
    let (wrong, _) = pairs.into_iter().find(|(_, right)| !right)?;
    Some(format!(
        "beside the secret {name} stands {wrong} = {}, the live token is {}",
        says(wrong),
        live.id
    ))
}
