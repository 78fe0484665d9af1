//! The list of routes. A handler describes its parameters, its body and its good answers; what it can refuse with is said
//! here, together with its [`Action`]. Refusals every route has are added.

use super::extract::Declared;
use super::problem::{MEDIA_TYPE, Problem};
use super::{
    Http, PublicUrl, health, metrics, openapi, operations, problems, templates, version, whoami,
    workspaces,
};
use crate::auth::Action;
use crate::domain::problem::Code;
use axum::Extension;
use std::collections::BTreeMap;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{
    ContentBuilder, Ref, ResponseBuilder, SecurityRequirement, extensions::Extensions,
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

/// Every route of the API with its action and its own refusals. A route that is not here does not exist.
pub fn all() -> OpenApiRouter<Http> {
    use Code::{
        AmbiguousName, DeletionProtected, Forbidden, IdempotencyKeyInvalid, IdempotencyKeyMissing,
        IdempotencyKeyReused, ImmutableField, InvalidCursor, InvalidJson, NameTaken,
        NotCancellable, NotFound, NotRetryable, OperationInProgress, PreconditionRequired,
        QueueFull, RequestTimeout, TeamRequired, UnknownField, UnsupportedMediaType,
        ValidationFailed, VersionMismatch,
    };
    let create: &[Code] = &[
        InvalidJson,
        IdempotencyKeyInvalid,
        IdempotencyKeyMissing,
        Forbidden,
        RequestTimeout,
        NameTaken,
        UnsupportedMediaType,
        ValidationFailed,
        UnknownField,
        TeamRequired,
        IdempotencyKeyReused,
        QueueFull,
    ];
    let put: &[Code] = &[
        InvalidJson,
        Forbidden,
        NotFound,
        RequestTimeout,
        OperationInProgress,
        VersionMismatch,
        UnsupportedMediaType,
        ValidationFailed,
        UnknownField,
        ImmutableField,
        TeamRequired,
        PreconditionRequired,
        QueueFull,
    ];
    let update: &[Code] = &[
        InvalidJson,
        Forbidden,
        NotFound,
        RequestTimeout,
        AmbiguousName,
        OperationInProgress,
        VersionMismatch,
        UnsupportedMediaType,
        ValidationFailed,
        UnknownField,
        ImmutableField,
        PreconditionRequired,
    ];
    let one: &[Code] = &[Forbidden, NotFound, AmbiguousName];
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(endpoint(
            Some(Action::CreateWorkspace),
            create,
            routes!(workspaces::create::create_workspace),
        ))
        .routes(endpoint(
            Some(Action::ListWorkspaces),
            &[InvalidCursor, Forbidden],
            routes!(workspaces::list::list_workspaces),
        ))
        .routes(endpoint(
            Some(Action::ReadWorkspace),
            one,
            routes!(workspaces::get::get_workspace),
        ))
        // It may change as well; the handler asks for that where the workspace is there.
        .routes(endpoint(
            Some(Action::CreateWorkspace),
            put,
            routes!(workspaces::put::put_workspace),
        ))
        .routes(endpoint(
            Some(Action::UpdateWorkspace),
            update,
            routes!(workspaces::update::update_workspace),
        ))
        .routes(endpoint(
            Some(Action::DeleteWorkspace),
            &[
                Forbidden,
                NotFound,
                AmbiguousName,
                DeletionProtected,
                OperationInProgress,
                VersionMismatch,
            ],
            routes!(workspaces::delete::delete_workspace),
        ))
        .routes(endpoint(
            Some(Action::ReadTokens),
            one,
            routes!(workspaces::tokens::list_tokens),
        ))
        .routes(endpoint(
            Some(Action::ReadTemplates),
            &[Forbidden],
            routes!(templates::list::list_templates),
        ))
        .routes(endpoint(
            Some(Action::ReadTemplates),
            &[Forbidden, NotFound],
            routes!(templates::get::get_template),
        ))
        .routes(endpoint(
            Some(Action::ReadTemplates),
            &[Forbidden, NotFound],
            routes!(templates::schema::get_template_schema),
        ))
        .routes(endpoint(
            Some(Action::ReadOperations),
            &[InvalidCursor, Forbidden],
            routes!(operations::list::list_operations),
        ))
        .routes(endpoint(
            Some(Action::ReadOperations),
            &[NotFound],
            routes!(operations::get::get_operation),
        ))
        .routes(endpoint(
            Some(Action::RepairWorkspace),
            &[Forbidden, NotFound, NotCancellable],
            routes!(operations::cancel::cancel_operation),
        ))
        .routes(endpoint(
            Some(Action::RepairWorkspace),
            &[Forbidden, NotFound, NotRetryable, OperationInProgress],
            routes!(operations::retry::retry_operation),
        ))
        .routes(endpoint(
            Some(Action::ReadOneself),
            &[],
            routes!(whoami::whoami),
        ))
        .routes(endpoint(None, &[], routes!(health::livez)))
        .routes(endpoint(None, &[], routes!(health::readyz)))
        .routes(endpoint(None, &[], routes!(version::get_version)))
        .routes(endpoint(None, &[NotFound], routes!(metrics::get_metrics)))
        .routes(endpoint(None, &[], routes!(problems::list_problems)))
        .routes(endpoint(None, &[NotFound], routes!(problems::get_problem)))
        .routes(endpoint(None, &[], routes!(openapi::get_document)))
}

/// Refusals every route has.
const ALWAYS: &[Code] = &[
    Code::InvalidRequest,
    Code::InvalidParameter,
    Code::NotAcceptable,
    Code::BodyTooLarge,
    Code::UriTooLong,
    Code::HeadersTooLarge,
    Code::Internal,
    Code::Unavailable,
];

/// Declares a route: its action (`None`: public) for the policy, its refusals for the document.
pub fn endpoint(
    action: Option<Action>,
    refusals: &[Code],
    (schemas, mut paths, methods): UtoipaMethodRouter<Http>,
) -> UtoipaMethodRouter<Http> {
    let mut codes: Vec<Code> = ALWAYS.iter().chain(refusals).copied().collect();
    if action.is_some() {
        codes.extend([Code::Unauthenticated, Code::RateLimited]);
    }
    for operation in paths.paths.values_mut().flat_map(openapi::operations_of) {
        refuse(operation, &codes);
        operation.security = Some(match action {
            Some(_) => vec![SecurityRequirement::new("bearer", Vec::<String>::new())],
            None => Vec::new(),
        });
        if let Some(action) = action {
            let extension = Extensions::builder()
                .add("x-action", format!("{action:?}"))
                .build();
            operation
                .extensions
                .get_or_insert_default()
                .merge(extension);
        }
    }
    let methods = match action {
        Some(action) => methods.layer(Extension(Declared(action))),
        None => methods,
    };
    (schemas, paths, methods)
}

fn refuse(operation: &mut Operation, codes: &[Code]) {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(*code);
    }
    for (status, codes) in by_status {
        let list: Vec<String> = codes
            .iter()
            .map(|code| format!("`{}`: {}", code.as_str(), code.title()))
            .collect();
        let Some(first) = codes.first() else { continue };
        let example = Problem::new(*first, first.title()).document(
            &PublicUrl::default(),
            "/workspaces",
            "req_01kb1mq3nye0rb46cttw1jx7p2",
        );
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .example(serde_json::to_value(example).ok())
            .build();
        let mut response = ResponseBuilder::new()
            .description(list.join(". ") + ".")
            .content(MEDIA_TYPE, content);
        if matches!(status, 429 | 503) || codes.contains(&Code::OperationInProgress) {
            response = response.header(
                "Retry-After",
                openapi::number_header("Seconds after which to ask again"),
            );
        }
        if status == 412 {
            response = response.header(
                "ETag",
                openapi::text_header("The version that is there; absent if there is none"),
            );
        }
        if status == 401 {
            response = response.header(
                "WWW-Authenticate",
                openapi::text_header("Always `Bearer error=\"invalid_token\"`"),
            );
        }
        operation
            .responses
            .responses
            .insert(status.to_string(), response.build().into());
    }
}
