//! What is wrong with one field, parameter or header: the entries of a problem's `errors`.

use serde::Serialize;

/// What is wrong with one field, parameter or header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// RFC 6901 pointer into the request body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pointer: Option<String>,
    /// Name of the query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parameter: Option<String>,
    /// Name of the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub header: Option<String>,
    /// What kind of mistake it is.
    pub code: FieldCode,
    /// A sentence for people.
    pub detail: String,
}

/// Kinds of mistakes in one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldCode {
    /// There is no such field or parameter.
    UnknownField,
    /// It exists, but cannot be changed.
    ImmutableField,
    /// It must be there.
    Missing,
    /// It may be there once.
    Repeated,
    /// It is there, but may not be that.
    Invalid,
}

impl FieldError {
    /// About a place in the body.
    pub fn pointer(pointer: impl Into<String>, code: FieldCode, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            ..Self::bare(code, detail)
        }
    }

    /// About a query parameter.
    pub fn parameter(name: &str, code: FieldCode, detail: impl Into<String>) -> Self {
        Self {
            parameter: Some(name.to_owned()),
            ..Self::bare(code, detail)
        }
    }

    /// About a header.
    pub fn header(name: &str, code: FieldCode, detail: impl Into<String>) -> Self {
        Self {
            header: Some(name.to_owned()),
            ..Self::bare(code, detail)
        }
    }

    fn bare(code: FieldCode, detail: impl Into<String>) -> Self {
        Self {
            pointer: None,
            parameter: None,
            header: None,
            code,
            detail: detail.into(),
        }
    }
}

/// At most this many mistakes are listed.
pub(super) const MAX_ERRORS: usize = 100;

pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 {
        format!("1 {one} not valid.")
    } else {
        format!("{n} {many} not valid.")
    }
}
