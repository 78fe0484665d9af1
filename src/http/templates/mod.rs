//! Templates: what can be asked for. Everybody who has a role may read them; they show what a requester has to know,
//! and none of the things in the cloud account that a template is made of.

pub mod get;
pub mod list;
pub mod schema;

use super::Http;
use super::extract::{Caller, Segment};
use super::problem::Problem;
use crate::domain::cloud::{Cloud, ComputeMode};
use crate::domain::problem::Code;
use crate::domain::template::{Template, Templates, parse_reference};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;

/// What a path calls a template: `sandbox`, or `sandbox@3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRef(String);

impl FromStr for TemplateRef {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        parse_reference(text).map_or(Err(()), |_| Ok(Self(text.to_owned())))
    }
}

impl Segment for TemplateRef {
    const NOUN: &'static str = "template";
}

/// The template a path means, if the caller may know of templates.
fn find<'t>(
    caller: &Caller,
    templates: &'t Templates,
    TemplateRef(reference): &TemplateRef,
) -> Result<&'t Template, Problem> {
    let hidden = || Problem::not_found("template");
    caller.may(None, None, hidden())?;
    templates
        .find(reference)
        .ok_or_else(|| hidden().hint(known(templates)))
}

/// The templates there are, in a sentence.
pub(super) fn known(templates: &Templates) -> String {
    let names: Vec<String> = templates
        .newest()
        .map(|template| format!("`{}`", template.name))
        .collect();
    if names.is_empty() {
        return "No template is configured.".to_owned();
    }
    format!("The templates are {}.", names.join(", "))
}

/// The templates as they are now.
fn current(http: &Http) -> std::sync::Arc<Templates> {
    std::sync::Arc::clone(&http.templates.borrow())
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Template)]
pub struct TemplateView {
    /// Its name: as `template` of a request it means the newest version.
    pub name: String,
    /// Its version.
    #[schema(minimum = 1)]
    pub version: u32,
    /// Name and version: what a workspace made from it shows, and a request that wants this version says.
    pub reference: String,
    /// All versions that can be asked for.
    pub versions: Vec<u32>,
    /// What it is for.
    pub description: String,
    /// Configured name of the account its workspaces are made in.
    pub account: String,
    /// The account's cloud.
    pub cloud: Cloud,
    /// Where compute runs.
    pub compute_mode: ComputeMode,
    /// The cloud's region; null if a request has to say.
    pub region: Option<String>,
    /// Pricing tier, in Databricks' words; null: the account's plan.
    pub tier: Option<String>,
    /// JSON Schema of the `parameters` a request may set; those with a default need not be set.
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// A regular expression that names must match; null: any name.
    pub name_pattern: Option<String>,
    /// Tags a request must have, and a regular expression for each value.
    pub required_tags: BTreeMap<String, String>,
    /// Tags that every workspace gets; they win over a request's.
    pub tags: BTreeMap<String, String>,
    /// How long a token lives.
    pub token_lifetime_seconds: Option<u32>,
    /// Configured name of the secret store tokens are delivered to.
    pub secret_store: String,
    /// Whether a token is delivered: not where the workspace cannot be reached from the service.
    pub delivers_token: bool,
    /// How long a failed workspace is kept for repair before it is undone.
    pub keep_failed_seconds: Option<u32>,
    /// A create that is not finished by then fails.
    pub create_deadline_seconds: u32,
    /// An update that is not finished by then fails.
    pub update_deadline_seconds: u32,
    /// A delete that is not finished by then needs attention.
    pub delete_deadline_seconds: u32,
    /// Lifetime of a workspace whose request names none, counted from ready; null: for ever.
    pub ttl_seconds: Option<u32>,
    /// Longest lifetime a request may name; null: any.
    pub max_ttl_seconds: Option<u32>,
    /// An expired workspace is deleted this long after its end.
    pub expiry_grace_seconds: u32,
    /// Whether a workspace is protected from deletion unless the request says otherwise; null: if it has no lifetime.
    pub deletion_protection: Option<bool>,
    /// Where to read this version again.
    #[schema(format = "uri-reference")]
    pub href: String,
    /// Where the JSON Schema of a whole request is.
    #[schema(format = "uri-reference")]
    pub schema_href: String,
}

impl TemplateView {
    /// The answer for a template.
    pub fn of(template: &Template, versions: Vec<u32>) -> Self {
        let reference = template.reference();
        let demands = template.demands.schema();
        let settable = &template.settable;
        let href = format!("/templates/{reference}");
        let pattern = |schema: &Value| Some(schema["pattern"].as_str()?.to_owned());
        let tags = demands["properties"]["tags"]["properties"].as_object();
        let tags = tags.into_iter().flatten();
        Self {
            name: template.name.clone(),
            version: template.version,
            versions,
            description: template.description.clone(),
            account: template.account.clone(),
            cloud: template.cloud,
            compute_mode: template.compute_mode,
            region: settable.region.clone(),
            tier: settable.tier.clone(),
            parameters: demands["properties"]["parameters"].clone(),
            name_pattern: pattern(&demands["properties"]["name"]),
            required_tags: tags
                .filter_map(|(tag, schema)| Some((tag.clone(), pattern(schema)?)))
                .collect(),
            tags: template.tags.clone(),
            token_lifetime_seconds: settable.token_lifetime_seconds,
            secret_store: template.secret_store.clone(),
            delivers_token: template.reachable_from_here,
            keep_failed_seconds: settable.keep_failed_seconds,
            create_deadline_seconds: template.create_deadline_seconds,
            update_deadline_seconds: template.update_deadline_seconds,
            delete_deadline_seconds: template.delete_deadline_seconds,
            ttl_seconds: template.ttl_seconds,
            max_ttl_seconds: template.max_ttl_seconds,
            expiry_grace_seconds: template.expiry_grace_seconds,
            deletion_protection: template.deletion_protection,
            schema_href: format!("{href}/schema"),
            href,
            reference,
        }
    }
}

/// What a request for no known template is told.
pub(super) fn unknown(templates: &Templates) -> Problem {
    use super::problem::{FieldCode, FieldError};
    let error = FieldError::pointer("/template", FieldCode::Invalid, "there is no such template");
    Problem::new(Code::ValidationFailed, "1 field is not valid.")
        .errors(vec![error])
        .hint(known(templates))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::samples;

    #[test]
    fn nothing_of_the_cloud_account_is_shown() {
        let template = samples::template().unwrap();
        let view = serde_json::to_string(&TemplateView::of(&template, vec![3])).unwrap();
        let schema = schema::request_schema(&template, true).to_string();
        let hidden = template.settable.given();
        let hidden = hidden
            .iter()
            .filter(|(name, _)| crate::domain::settable::is_object(name));
        let mut tried = 0;
        for value in hidden.filter_map(|(_, value)| value.as_str()) {
            assert!(!view.contains(value) && !schema.contains(value), "{value}");
            tried += 1;
        }
        assert!(tried > 1);
        assert!(view.contains("us-west-2"));
    }

    #[test]
    fn a_segment_is_a_reference() {
        assert!(
            "sandbox".parse::<TemplateRef>().is_ok() && "sandbox@3".parse::<TemplateRef>().is_ok()
        );
        assert!(
            "sandbox@".parse::<TemplateRef>().is_err() && "a b".parse::<TemplateRef>().is_err()
        );
    }
}
