//! `GET /templates/{template}/schema`: the JSON Schema of a whole request.

use super::{TemplateRef, current, find};
use crate::domain::template::Template;
use crate::http::Http;
use crate::http::extract::{Caller, Path};
use crate::http::openapi::standalone;
use crate::http::problem::Problem;
use crate::http::query::{NoQuery, Query};
use crate::http::samples;
use crate::http::workspaces::wanted::CreateWorkspace;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// The route, which has a media type of its own.
pub const PATH: &str = "/templates/{template}/schema";

/// Media type of a JSON Schema.
pub const MEDIA_TYPE: &str = "application/schema+json";

/// What a body for this template must be
///
/// The JSON Schema (draft 2020-12) of a complete body of `POST /workspaces` that names this template. What fits it is
/// refused only for what a schema cannot know: names that are taken, rights, and parameters that exclude each other.
#[utoipa::path(
    get,
    path = "/templates/{template}/schema",
    operation_id = "getTemplateSchema",
    tag = "templates",
    params(("template" = String, Path, description = "Name of the template, and `@` with a version if it is not the newest", example = json!("sandbox"))),
    responses((
        status = 200,
        description = "The schema",
        body = serde_json::Value,
        content_type = "application/schema+json",
        example = json!(samples::template().map(|template| request_schema(&template, true))),
    )),
)]
pub async fn get_template_schema(
    State(http): State<Http>,
    caller: Caller,
    Path(reference): Path<TemplateRef>,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Response, Problem> {
    let templates = current(&http);
    let template = find(&caller, &templates, &reference)?;
    let newest = templates.versions(&template.name).last() == Some(&template.version);
    let text = request_schema(template, newest).to_string();
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

/// What every request must be, and what the template demands, as one schema.
pub(super) fn request_schema(template: &Template, newest: bool) -> Value {
    let mut schema = standalone::<CreateWorkspace>();
    schema["title"] = format!("A request for {}", template.reference()).into();
    let mut names = vec![template.reference()];
    if newest {
        names.insert(0, template.name.clone());
    }
    let demands = template.demands.schema();
    narrow(&mut schema, demands);
    if let Some(most) = template.max_ttl_seconds {
        let lifetime = json!({"properties": {"ttl_seconds": {"maximum": most}}});
        narrow(&mut schema, &lifetime);
    }
    narrow(
        &mut schema,
        &json!({"properties": {"template": {"enum": names}}}),
    );
    schema
}

/// Adds the keywords of one schema to another. Properties are narrowed each for itself.
fn narrow(schema: &mut Value, by: &Value) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    let mut rest = Map::new();
    for (keyword, value) in by.as_object().into_iter().flatten() {
        match (keyword.as_str(), members.get_mut(keyword), value) {
            ("properties", Some(Value::Object(known)), Value::Object(new)) => {
                for (name, by) in new {
                    narrow(known.entry(name).or_insert_with(|| json!({})), by);
                }
            }
            ("required", Some(Value::Array(known)), Value::Array(new)) => {
                let more = new.iter().filter(|name| !known.contains(name));
                let more: Vec<Value> = more.cloned().collect();
                known.extend(more);
            }
            // What is free in general is closed by the template.
            ("additionalProperties", Some(known), Value::Bool(false)) => *known = json!(false),
            (_, Some(known), value) if known == value => {}
            (_, Some(_), value) => {
                rest.insert(keyword.clone(), value.clone());
            }
            (_, None, value) => {
                members.insert(keyword.clone(), value.clone());
            }
        }
    }
    if !rest.is_empty() {
        members.insert("allOf".to_owned(), json!([rest]));
    }
}
