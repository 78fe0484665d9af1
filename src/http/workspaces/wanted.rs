//! What a caller asks for: the body of `POST /workspaces`, and without the name that of `PUT`.

use crate::domain::pairs::MAX_PAIRS;
use crate::http::body::Body;
use crate::http::openapi;
use jsonschema::Validator;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type};

/// What a caller asks for.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWorkspace {
    /// Name of the workspace: unique in its team among those that are not deleted.
    #[schema(
        pattern = "^[a-z][a-z0-9-]{1,38}[a-z0-9]$",
        min_length = 3,
        max_length = 40
    )]
    pub name: String,
    /// Name of the template: it decides the account, the region, the network, the lifetime. `sandbox` is its newest
    /// version, `sandbox@3` its third.
    #[schema(min_length = 1, max_length = 100, pattern = "^[^\\x00-\\x1f]*$")]
    pub template: String,
    /// The team it is for. May be left out if the caller can request for exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        pattern = "^[a-z][a-z0-9-]{1,38}[a-z0-9]$",
        min_length = 3,
        max_length = 40
    )]
    pub team: Option<String>,
    /// Tags at the vendor, at most 20; the template's tags win. On AWS they may take an hour to appear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = tags_schema, required = false)]
    pub tags: Option<BTreeMap<String, String>>,
    /// What the template leaves to requests; `GET /templates/{template}` has the JSON Schema.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object, required = false)]
    pub parameters: Map<String, Value>,
    /// The subdomain, if the account has a deployment name prefix; the vendor chooses one if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        min_length = 1,
        max_length = 64
    )]
    pub deployment_name: Option<String>,
    /// Labels, at most 20. They stay here and can be changed at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = labels_schema, required = false)]
    pub labels: Option<BTreeMap<String, String>>,
    /// The principal it belongs to: the caller, unless an operator names somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        pattern = "^oidc:[^:\\x00-\\x20\\x7f]+:[^\\x00-\\x1f\\x7f-\\x9f]+$",
        max_length = 320
    )]
    pub owner: Option<String>,
    /// While true, the workspace cannot be deleted and does not expire. If it is left out, the template decides; else
    /// a workspace without a lifetime is protected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_protection: Option<bool>,
    /// Lifetime, counted from ready. The template decides if it is left out, and limits it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "seconds"
    )]
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 315_360_000)]
    pub ttl_seconds: Option<u32>,
}

/// A whole number in any of JSON's spellings; `6e4` is one.
pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(from)? else {
        return Ok(None);
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the schema has limited it"
    )]
    Ok(Some(number as u32))
}

fn tags_schema() -> Schema {
    let description = "Tags at the vendor, at most 20; the template's tags win. Keys must not begin with `brickyard`. \
                       On AWS they may take an hour to appear.";
    pairs(TAG, SchemaType::Type(Type::String))
        .description(Some(description))
        .into()
}

fn labels_schema() -> Schema {
    pairs(TEXT, SchemaType::Type(Type::String))
        .description(Some(
            "Labels, at most 20. They stay here and can be changed at any time.",
        ))
        .into()
}

/// What labels and values may be.
pub(super) const TEXT: &str = "^[^\\x00-\\x1f]*$";

/// What names of tags may be: `brickyard…` is how Brickyard marks its own.
pub(super) const TAG: &str = "^(?!brickyard)[^\\x00-\\x1f]*$";

/// Up to 20 pairs, with keys of this pattern and values of this type.
pub(super) fn pairs(keys: &str, values: SchemaType) -> ObjectBuilder {
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(keys))
        .min_length(Some(1))
        .max_length(Some(127))
        .build();
    let value = ObjectBuilder::new()
        .schema_type(values)
        .pattern(Some(TEXT))
        .max_length(Some(255))
        .build();
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(Schema::Object(key)))
        .additional_properties(Some(AdditionalProperties::RefOr(
            Schema::Object(value).into(),
        )))
        .max_properties(Some(MAX_PAIRS))
}

impl CreateWorkspace {
    /// The example that works as it stands in `brickyard dev`.
    pub fn sample() -> Self {
        Self {
            name: "analytics-dev".to_owned(),
            template: "sandbox".to_owned(),
            team: Some("data-platform".to_owned()),
            tags: Some([("cost-center".to_owned(), "4711".to_owned())].into()),
            parameters: Map::new(),
            deployment_name: None,
            labels: Some([("purpose".to_owned(), "churn-model".to_owned())].into()),
            owner: None,
            deletion_protection: None,
            ttl_seconds: Some(1_209_600),
        }
    }
}

impl Body for CreateWorkspace {
    fn validator() -> Option<&'static Validator> {
        static VALIDATOR: LazyLock<Option<Validator>> =
            LazyLock::new(openapi::validator::<CreateWorkspace>);
        VALIDATOR.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::name::NAME_PATTERN;
    use serde_json::json;

    fn pointers(body: &Value) -> Vec<String> {
        let validator = CreateWorkspace::validator().unwrap();
        validator
            .iter_errors(body)
            .map(|e| e.instance_path().to_string())
            .collect()
    }

    #[test]
    fn the_schema_is_the_rule() {
        let sample = serde_json::to_value(CreateWorkspace::sample()).unwrap();
        assert_eq!(pointers(&sample), Vec::<String>::new());
        assert_eq!(
            pointers(&json!({"name": "abc", "template": "t"})),
            Vec::<String>::new()
        );
        let with = |field: &str, value: Value| {
            let mut body = sample.clone();
            body[field] = value;
            body
        };
        let many: serde_json::Map<_, _> = (0..21).map(|n| (format!("k{n}"), json!("v"))).collect();
        for (field, bad) in [
            ("name", json!("Abc")),
            ("name", json!(7)),
            ("team", json!("a_b")),
            ("template", json!("")),
            ("tags", json!({"": "x"})),
            ("tags", json!({"brickyard": "x"})),
            ("tags", json!({"k": "v".repeat(256)})),
            ("tags", json!({"k": "a\u{0}b"})),
            ("tags", json!({"k".repeat(128): "v"})),
            ("tags", json!({"k": 1})),
            ("tags", Value::Object(many)),
            ("deployment_name", json!("-a")),
            ("deployment_name", json!("EMPTY")),
            ("deployment_name", json!("a".repeat(65))),
            ("deletion_protection", json!("yes")),
            ("labels", json!({"": "x"})),
            ("labels", json!({"k": null})),
            ("owner", json!("ada")),
            ("owner", json!("oidc:corp")),
            ("owner", json!("oidc:corp:")),
            ("owner", json!("system:expiry")),
            ("ttl_seconds", json!(59)),
            ("ttl_seconds", json!(60.5)),
            ("ttl_seconds", json!(315_360_001)),
            ("ttl_seconds", json!("60")),
        ] {
            let found = pointers(&with(field, bad.clone()));
            assert!(
                !found.is_empty() && found[0].starts_with(&format!("/{field}")),
                "{field} {bad}: {found:?}"
            );
        }
        assert!(!pointers(&with("typo", json!(1))).is_empty());
        assert!(!pointers(&json!([])).is_empty());
        assert!(!pointers(&json!({})).is_empty());
    }

    #[test]
    fn whole_numbers_in_any_spelling() {
        let body = json!({"name": "abc", "template": "t", "ttl_seconds": 6e4});
        assert_eq!(pointers(&body), Vec::<String>::new());
        let read: CreateWorkspace = serde_json::from_value(body).unwrap();
        assert_eq!(read.ttl_seconds, Some(60_000));
    }

    #[test]
    fn the_documented_pattern_is_the_domains() {
        let schema =
            serde_json::to_value(<CreateWorkspace as utoipa::PartialSchema>::schema()).unwrap();
        assert_eq!(schema["properties"]["name"]["pattern"], NAME_PATTERN);
        assert_eq!(schema["properties"]["team"]["pattern"], NAME_PATTERN);
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["name", "template"]));
    }
}
