//! What exists in the simulated world: how the demo knows that a failure left nothing behind.

use crate::client::{Client, list, text};
use crate::show;
use anyhow::{Context, Result};
use reqwest::StatusCode;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const KINDS: [&str; 8] = [
    "credentials",
    "storage_configurations",
    "networks",
    "security_groups",
    "resource_groups",
    "workspaces",
    "service_principals",
    "tokens",
];

/// The simulated account and secret store.
pub(crate) struct Outside {
    client: Client,
    inventory: String,
}

impl Outside {
    /// `world` is the line the service printed.
    pub(crate) fn of(world: &Value) -> Result<Self> {
        let inventory = format!("{}/inventory", text(world, "/simulator/admin")?);
        Ok(Self {
            client: Client::new()?,
            inventory,
        })
    }

    /// Everything that exists now.
    pub(crate) async fn things(&self) -> Result<Things> {
        let inventory = self
            .client
            .send(self.client.get(&self.inventory), StatusCode::OK)
            .await?;
        let mut things = BTreeSet::new();
        for kind in KINDS {
            for thing in list(&inventory, &format!("/{kind}"))? {
                things.insert((kind.to_owned(), show::plain(&thing["id"])));
            }
        }
        let secrets = inventory["secrets"]
            .as_object()
            .context("the inventory has no secrets")?;
        things.extend(
            secrets
                .keys()
                .map(|path| ("secrets".to_owned(), path.clone())),
        );
        Ok(Things(things))
    }
}

/// Things by kind and id.
#[derive(Debug)]
pub(crate) struct Things(BTreeSet<(String, String)>);

impl Things {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What came since.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self(self.0.difference(&earlier.0).cloned().collect())
    }

    /// What only one of them has.
    pub(crate) fn but_not_both(&self, other: &Self) -> Self {
        Self(self.0.symmetric_difference(&other.0).cloned().collect())
    }

    /// `1 token, 1 workspace`.
    pub(crate) fn count(&self) -> String {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for (kind, _) in &self.0 {
            *numbers.entry(kind).or_default() += 1;
        }
        let each = numbers.into_iter().map(|(many, number)| {
            let many = many.replace('_', " ");
            // Databricks says "credentials" of one, too.
            let one = many
                .strip_suffix('s')
                .filter(|_| number == 1 && many != "credentials");
            format!("{number} {}", one.unwrap_or(&many))
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

impl std::fmt::Display for Things {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let each = self.0.iter().map(|(kind, id)| format!("{kind} {id}"));
        f.write_str(&each.collect::<Vec<_>>().join(", "))
    }
}
