//! The OpenAPI document, made from [`routes`]. `openapi/openapi.json` is what [`pretty`] says; a test compares.

use super::problem::Document;
use super::{Http, enums, routes};
use crate::auth::login::{Endpoints, Login};
use crate::domain::problem::Code;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jsonschema::Validator;
use std::sync::LazyLock;
use utoipa::openapi::path::{Operation, Parameter, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{
    AuthorizationCode, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityRequirement,
    SecurityScheme,
};
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, Header, InfoBuilder, LicenseBuilder, OpenApi,
    OpenApiBuilder, RefOr, ServerBuilder, tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};

/// The operations of a path.
pub(super) fn operations_of(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ]
    .into_iter()
    .flatten()
}

pub(super) fn text_header(description: &str) -> Header {
    header_of(Type::String, description)
}

pub(super) fn number_header(description: &str) -> Header {
    header_of(Type::Integer, description)
}

fn header_of(kind: Type, description: &str) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(kind).build());
    header.description = Some(description.to_owned());
    header
}

/// The document without its paths.
pub(super) fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Brickyard")
        .version(super::version::DOCUMENT)
        .description(Some(DESCRIPTION))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache License 2.0")
                .identifier(Some(env!("CARGO_PKG_LICENSE")))
                .build(),
        ))
        .contact(Some(
            ContactBuilder::new()
                .name(Some("Brickyard"))
                .url(Some(env!("CARGO_PKG_REPOSITORY")))
                .build(),
        ))
        .build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "A token of a configured issuer: a person's access token, or the ID token of a CI job.",
        ))
        .build();
    let tag = |name: &str, description: &str| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    };
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new()
            .url("/")
            .description(Some("This service"))
            .build()]))
        .tags(Some([
            tag("workspaces", "Databricks workspaces: ask, read, delete."),
            tag(
                "operations",
                "The work on a workspace that a caller can follow.",
            ),
            tag("identity", "Who the caller is here, and why."),
            tag(
                "templates",
                "What can be asked for, and what a request has to say.",
            ),
            tag("service", "The service itself. No token is needed."),
        ]))
        .components(Some(
            ComponentsBuilder::new()
                .security_scheme("bearer", SecurityScheme::Http(bearer))
                .build(),
        ))
        .build()
}

const DESCRIPTION: &str = "\
Self-service provisioning of Databricks workspaces.\n\n\
A request is checked, written down and answered with `202` and an operation; poll the operation (`Prefer: wait=20` holds \
the answer until something changes) until it is `done`. The workspace's personal access token is delivered to the \
company's secret store and is never shown here.\n\n\
Every error is an RFC 9457 problem document with a stable `code`. Clients must tolerate new fields, enum values, problem \
codes and endpoints.";

/// Headers of every answer to a caller that is known (draft-ietf-httpapi-ratelimit-headers).
const RATE_HEADERS: [(&str, &str); 2] = [
    (
        "RateLimit-Policy",
        "`q` requests in `w` seconds for one caller",
    ),
    (
        "RateLimit",
        "`r` requests left; in `t` seconds all of them again",
    ),
];

/// The whole document.
pub fn document() -> OpenApi {
    let mut document = routes::all().into_openapi();
    let components = document.components.get_or_insert_default();
    let mut schemas = vec![(Document::name().into_owned(), Document::schema())];
    Document::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for (name, schema) in &mut components.schemas {
        if let RefOr::T(schema) = schema {
            if name == "Code" {
                // The generator cannot see through the catalogue's macro and takes the names of the variants.
                *schema = codes_schema();
            }
            enums::describe(name, schema);
        }
    }
    for operation in document.paths.paths.values_mut().flat_map(operations_of) {
        let public = operation.security.as_ref().is_none_or(Vec::is_empty);
        for parameter in operation.parameters.iter_mut().flatten() {
            never_null(parameter);
        }
        for (status, response) in &mut operation.responses.responses {
            if let RefOr::T(response) = response {
                let id = text_header("Id of this exchange: the caller's, or made");
                response
                    .headers
                    .insert("X-Request-Id".to_owned(), id.into());
                for (name, meaning) in RATE_HEADERS.iter().filter(|_| !public && status != "401") {
                    let header = text_header(meaning);
                    response.headers.insert((*name).to_owned(), header.into());
                }
            }
        }
    }
    document
}

fn codes_schema() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(
            "The closed list of problem codes of this version; the next one may have more.",
        ))
        .enum_values(Some(Code::ALL.iter().map(|code| code.as_str())))
        .into()
}

/// An optional parameter is left out; there is no null in a query or a header.
fn never_null(parameter: &mut RefOr<Parameter>) {
    if let RefOr::T(parameter) = parameter
        && let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema
        && let SchemaType::Array(types) = &mut object.schema_type
    {
        types.retain(|kind| *kind != Type::Null);
        if let [only] = types.as_slice() {
            object.schema_type = SchemaType::Type(only.clone());
        }
    }
}

/// The document as it is committed: what every installation has.
pub fn pretty() -> String {
    text(&document())
}

/// The document as an installation serves it whose people can log in: whatever takes a token also takes one got so.
fn document_with(login: &Login, endpoints: &Endpoints) -> OpenApi {
    let mut document = document();
    let scopes = login.client.scopes.iter();
    let flow = AuthorizationCode::new(
        &endpoints.authorization,
        &endpoints.token,
        Scopes::from_iter(scopes.clone().map(|scope| (scope.clone(), String::new()))),
    );
    let scheme = OAuth2::with_description(
        [Flow::AuthorizationCode(flow)],
        "Log in as a person: authorization code with PKCE. The client has no secret; leave `client_secret` empty.",
    );
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("oidc", SecurityScheme::OAuth2(scheme));
    for operation in document.paths.paths.values_mut().flat_map(operations_of) {
        if let Some(accepted) = operation.security.as_mut().filter(|list| !list.is_empty()) {
            accepted.push(SecurityRequirement::new("oidc", scopes.clone()));
        }
    }
    document
}

fn text(document: &OpenApi) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// The OpenAPI document
///
/// This document, made from the routes that are served. Where people can log in, it also says how (`oidc`).
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getDocument",
    tag = "service",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value, content_type = "application/json", example = json!({"openapi": "3.1.0"}))),
)]
pub(super) async fn get_document(
    State(http): State<Http>,
    _: super::query::Query<super::query::NoQuery>,
) -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(pretty);
    let login = http.login.as_deref();
    let text = match login.and_then(|login| Some((login, login.endpoints()?))) {
        None => TEXT.clone(),
        Some((login, endpoints)) => http
            .document
            .get_or_init(|| text(&document_with(login, endpoints)))
            .clone(),
    };
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// The JSON Schema of a request body as it stands in the document, compiled.
pub fn validator<T: ToSchema>() -> Option<Validator> {
    jsonschema::validator_for(&standalone::<T>()).ok()
}

/// The JSON Schema of a request body as it stands in the document, with all it refers to.
pub fn standalone<T: ToSchema>() -> serde_json::Value {
    let mut schemas = Vec::new();
    T::schemas(&mut schemas);
    let mut schema = serde_json::to_value(T::schema()).unwrap_or_default();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    for (name, part) in schemas {
        schema["components"]["schemas"][name] = serde_json::to_value(part).unwrap_or_default();
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::MEDIA_TYPE;

    #[test]
    fn the_committed_document_is_the_one_we_serve() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
        let ours = pretty();
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == ours,
            "openapi/openapi.json is not what the handlers say; renew it with `make openapi`"
        );
    }

    #[test]
    fn every_operation_is_complete() {
        let document = serde_json::to_value(document()).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = format!("{method} {path}");
                for field in ["operationId", "summary", "description", "tags", "security"] {
                    assert!(!operation[field].is_null(), "{name}: {field}");
                }
                // Swagger UI would send it: a request that is tried as it stands has no precondition.
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let condition = parameter["name"].as_str().unwrap().starts_with("If-");
                    assert!(!condition || parameter["example"].is_null(), "{name}");
                }
                let public = super::super::layers::PUBLIC.contains(&path.as_str());
                assert_eq!(
                    operation["security"].as_array().unwrap().is_empty(),
                    public,
                    "{name}"
                );
                assert_eq!(operation["x-action"].is_null(), public, "{name}");
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let name = format!("{name} {status}");
                    assert!(
                        !response["description"].as_str().unwrap().is_empty(),
                        "{name}"
                    );
                    assert!(response["headers"]["X-Request-Id"].is_object(), "{name}");
                    if ["204", "304"].contains(&status.as_str()) {
                        continue;
                    }
                    let (media_type, content) = response["content"]
                        .as_object()
                        .unwrap()
                        .iter()
                        .next()
                        .unwrap();
                    assert_eq!(media_type == MEDIA_TYPE, status.as_str() >= "400", "{name}");
                    assert!(
                        !content["example"].is_null() || content["examples"].is_object(),
                        "{name}: no example"
                    );
                }
                if let Some(accepted) = operation["responses"].get("202") {
                    assert_eq!(
                        accepted["links"]["operation"]["operationId"], "getOperation",
                        "{name}"
                    );
                    for header in ["Location", "Retry-After", "Link"] {
                        assert!(accepted["headers"][header].is_object(), "{name}: {header}");
                    }
                }
            }
        }
    }

    /// Examples are made by the code that serves answers; here they are held against the schemas too.
    #[test]
    fn examples_fit_their_schemas() {
        let document = serde_json::to_value(document()).unwrap();
        let check = |place: &str, schema: &serde_json::Value, example: &serde_json::Value| {
            let root = serde_json::json!({"allOf": [schema], "components": document["components"]});
            let validator = jsonschema::validator_for(&root).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(example)
                .map(|e| format!("{}: {e}", e.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{place}: {errors:?}");
        };
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let bodies = operation["responses"]
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(s, r)| (s.as_str(), r));
                for (place, body) in bodies.chain([("request", &operation["requestBody"])]) {
                    for content in body["content"]
                        .as_object()
                        .into_iter()
                        .flat_map(|map| map.values())
                    {
                        let place = format!("{method} {path} {place}");
                        if content["example"].is_object() {
                            check(&place, &content["schema"], &content["example"]);
                        }
                        for example in content["examples"]
                            .as_object()
                            .into_iter()
                            .flat_map(|map| map.values())
                        {
                            check(&place, &content["schema"], &example["value"]);
                        }
                    }
                }
            }
        }
    }
}
