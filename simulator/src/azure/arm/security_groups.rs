//! Network security groups: rules, and the subnets that keep to them.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::networks::{Draft, Item, Kind, location};
use super::{invalid, same};
use crate::answer::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    location: Option<String>,
    #[serde(default)]
    tags: Map<String, Value>,
    properties: Option<Properties>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    security_rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    name: String,
    properties: Value,
}

/// What a rule must say.
const NEEDED: [&str; 4] = ["protocol", "access", "direction", "priority"];

pub(super) fn draft(body: Body) -> Result<Draft, Answer> {
    let rules = body.properties.map_or(Vec::new(), |it| it.security_rules);
    for rule in &rules {
        if let Some(field) = NEEDED
            .iter()
            .find(|field| rule.properties.get(**field).is_none())
        {
            return Err(invalid(format!(
                "Security rule {} has no {field}.",
                rule.name
            )));
        }
        let priority = rule.properties["priority"].as_i64().unwrap_or_default();
        if !(100..=4096).contains(&priority) {
            return Err(invalid(format!(
                "Security rule {} has no priority of 100 to 4096.",
                rule.name
            )));
        }
    }
    let rules: Value = rules
        .into_iter()
        .map(|rule| json!({"name": rule.name, "properties": rule.properties}))
        .collect();
    Ok(Draft {
        location: location(body.location.as_deref())?,
        tags: body.tags,
        properties: Map::from_iter([("securityRules".to_owned(), rules)]),
        subnets: Vec::new(),
    })
}

fn users<'i>(items: &'i [Item], group: &'i Item) -> impl Iterator<Item = String> + 'i {
    let networks = items.iter().filter(|it| it.kind == Kind::Vnet);
    networks.flat_map(move |network| {
        let subnets = network.subnets.iter().filter(move |subnet| {
            let used = subnet.security_group.as_deref();
            group.kind == Kind::Nsg && used.is_some_and(|id| same(id, &group.id))
        });
        subnets.map(|subnet| format!("{}/subnets/{}", network.id, subnet.name))
    })
}

/// A subnet that keeps to this group.
pub(super) fn user(items: &[Item], group: &Item) -> Option<String> {
    users(items, group).next()
}

pub(super) fn show(items: &[Item], group: &Item) -> Value {
    let mut properties = Value::Object(group.properties.clone());
    let subnets: Vec<Value> = users(items, group).map(|id| json!({"id": id})).collect();
    properties["defaultSecurityRules"] = json!([]);
    if !subnets.is_empty() {
        properties["subnets"] = subnets.into();
    }
    properties
}
