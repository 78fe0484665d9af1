//! Request bodies: strict JSON, held against the schema that stands in the document, all mistakes at once.

use super::mistakes::{FieldCode, FieldError, MAX_ERRORS, count};
use super::problem::Problem;
use super::{Http, canonical, layers};
use crate::domain::problem::Code;
use crate::domain::strict_json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// Deepest nesting of a body; the outermost object is level 1.
const MAX_DEPTH: usize = 32;

/// A request body that is described in the document and checked against that description.
pub trait Body: DeserializeOwned {
    /// Content types it may be announced as.
    const MEDIA_TYPES: &'static [&'static str] = &["application/json"];

    /// Names of fields that exist, but cannot be sent in this body.
    fn immutable() -> &'static BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        &NONE
    }

    /// The compiled JSON Schema of the type, as it stands in the document.
    fn validator() -> Option<&'static Validator>;
}

/// A checked JSON body and its canonical form.
#[derive(Debug)]
pub struct Json<T> {
    /// The body.
    pub value: T,
    /// The same for equal bodies, whatever the order of members and the blanks.
    pub canonical: String,
}

impl<T: Body> FromRequest<Http> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, http: &Http) -> Result<Self, Problem> {
        check_content_type(request.headers(), T::MEDIA_TYPES)?;
        let bytes = read_body(request, http).await?;
        let value = strict_json::parse(&bytes, MAX_DEPTH)
            .map_err(|error| Problem::new(Code::InvalidJson, sentence(&error)))?;
        let Some(validator) = T::validator() else {
            tracing::error!("the schema of a request body does not compile");
            return Err(Problem::internal());
        };
        check_schema(validator, &value, T::immutable())?;
        let canonical = canonical::canonical(&value);
        let value = serde_json::from_value(value)
            .map_err(|error| Problem::new(Code::ValidationFailed, sentence(&error)))?;
        Ok(Self { value, canonical })
    }
}

fn sentence(error: &impl std::fmt::Display) -> String {
    let mut text = error.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text + "."
}

fn check_content_type(headers: &HeaderMap, known: &[&str]) -> Result<(), Problem> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let essence = values
        .next()
        .and_then(|value| value.to_str().ok())
        .map(|text| {
            text.split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        });
    if essence.is_some_and(|essence| known.contains(&essence.as_str())) && values.next().is_none() {
        return Ok(());
    }
    Err(Problem::new(
        Code::UnsupportedMediaType,
        format!("The content type must be `{}`.", known.join("` or `")),
    ))
}

async fn read_body(request: Request, http: &Http) -> Result<Bytes, Problem> {
    let limits = &http.settings.limits;
    let read = axum::body::to_bytes(request.into_body(), limits.body_bytes);
    match tokio::time::timeout(limits.body_read, read).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Err(_) => Err(Problem::new(
            Code::RequestTimeout,
            "The body did not arrive in time.",
        )),
        Ok(Err(error)) => {
            use std::error::Error;
            let mut source = error.source();
            while let Some(inner) = source {
                if inner.to_string().contains("length limit exceeded") {
                    return Err(layers::body_too_large(limits));
                }
                source = inner.source();
            }
            Err(Problem::new(
                Code::InvalidRequest,
                "The body could not be read to its end.",
            ))
        }
    }
}

fn check_schema(
    validator: &Validator,
    value: &serde_json::Value,
    immutable: &BTreeSet<String>,
) -> Result<(), Problem> {
    match errors_but(validator, value, immutable) {
        wrong if wrong.is_empty() => Ok(()),
        wrong => Err(refusal(wrong)),
    }
}

/// Everything in which a body does not fit a schema.
pub(super) fn errors(validator: &Validator, value: &serde_json::Value) -> Vec<FieldError> {
    errors_but(validator, value, &BTreeSet::new())
}

/// The same, where some of the fields the schema does not know exist elsewhere.
fn errors_but(
    validator: &Validator,
    value: &serde_json::Value,
    immutable: &BTreeSet<String>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for error in validator.iter_errors(value) {
        let place = error.instance_path().to_string();
        let at = |name: &str| format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                errors.extend(unexpected.iter().map(|name| {
                    let (code, detail) = if place.is_empty() && immutable.contains(name) {
                        (FieldCode::ImmutableField, "cannot be changed")
                    } else {
                        (FieldCode::UnknownField, "there is no such field")
                    };
                    FieldError::pointer(at(name), code, detail)
                }));
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                errors.push(FieldError::pointer(
                    at(name),
                    FieldCode::Missing,
                    "must be there",
                ));
            }
            ValidationErrorKind::PropertyNames { error } => {
                let name = error.instance().as_str().unwrap_or_default().to_owned();
                let detail = format!("the name of this member: {}", error.masked());
                errors.push(FieldError::pointer(at(&name), FieldCode::Invalid, detail));
            }
            _ => {
                let detail = error.masked().to_string();
                errors.push(FieldError::pointer(
                    place.clone(),
                    FieldCode::Invalid,
                    detail,
                ));
            }
        }
        if errors.len() >= MAX_ERRORS {
            errors.truncate(MAX_ERRORS);
            break;
        }
    }
    errors
}

/// What the caller of a body with these errors is told.
pub(super) fn refusal(errors: Vec<FieldError>) -> Problem {
    let all = |code| errors.iter().all(|error| error.code == code);
    let code = if all(FieldCode::UnknownField) {
        Code::UnknownField
    } else if all(FieldCode::ImmutableField) {
        Code::ImmutableField
    } else {
        Code::ValidationFailed
    };
    Problem::new(code, count(errors.len(), "field is", "fields are")).errors(errors)
}
