//! `GET /workspaces/{workspace}/tokens`: where the tokens lie. There is no field for a value.

use super::{SecretPlace, TeamQuery, WorkspaceRef, find};
use crate::http::Http;
use crate::http::extract::{Caller, Path};
use crate::http::operations::view::millis;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::samples;
use crate::store::tokens::{self, Token as Row};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A delivered token: where it lies, whose it is, how long it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Token {
    /// `tok_…`.
    #[schema(pattern = "^tok_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    pub id: String,
    /// Always `pat`: a personal access token.
    pub kind: String,
    /// Whose it is: `service_principal:` and the application id, or `provisioner`.
    pub principal: String,
    /// `active`: lies in the store and works. `revoked`: useless. New values may be added.
    pub status: String,
    /// Where it lies.
    pub secret: Secret,
    /// When it was delivered.
    pub created_at: DateTime<Utc>,
    /// When the vendor ends it.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A version in a secret store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Secret {
    /// The place.
    #[serde(flatten)]
    pub place: SecretPlace,
    /// Kind of the store.
    pub kind: String,
    /// The store's version that holds it.
    pub version: String,
}

/// The tokens of a workspace, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TokenPage {
    /// The tokens.
    pub items: Vec<Token>,
    /// Always null: they fit on one page.
    pub next_cursor: Option<String>,
}

impl Token {
    /// The answer for a row.
    pub fn of(row: &Row) -> Self {
        Self {
            id: row.id.to_string(),
            kind: "pat".to_owned(),
            principal: row.principal.clone(),
            status: row.status.clone(),
            secret: Secret {
                place: SecretPlace {
                    store: row.store.clone(),
                    path: row.secret_path.clone(),
                },
                kind: row.store_kind.clone(),
                version: row.secret_version.clone(),
            },
            created_at: millis(row.created_at),
            expires_at: row.expires_at.map(millis),
            revoked_at: row.revoked_at.map(millis),
        }
    }
}

/// List the tokens of a workspace
///
/// References only: store, path and version. The value is read from the secret store, under one's own identity there.
#[utoipa::path(
    get,
    path = "/workspaces/{workspace}/tokens",
    operation_id = "listTokens",
    tag = "workspaces",
    params(
        ("workspace" = String, Path, description = "Id (`ws_…`) or name of the workspace", example = json!("analytics-dev")),
        TeamQuery,
    ),
    responses((
        status = 200,
        description = "The references",
        body = TokenPage,
        example = json!(TokenPage { items: vec![Token::of(&samples::token())], next_cursor: None }),
    )),
)]
pub async fn list_tokens(
    State(http): State<Http>,
    caller: Caller,
    Path(reference): Path<WorkspaceRef>,
    Query(query): Query<TeamQuery>,
) -> Result<Json<TokenPage>, Problem> {
    let workspace = find(&http, &caller, &reference, &query).await?;
    let rows = {
        let mut db = http.db.acquire().await?;
        tokens::list(&mut db, workspace.id, &caller.teams()).await?
    };
    Ok(Json(TokenPage {
        items: rows.iter().map(Token::of).collect(),
        next_cursor: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_and_nothing_else() {
        let json = serde_json::to_value(Token::of(&samples::token())).unwrap();
        let names: Vec<&String> = json["secret"].as_object().unwrap().keys().collect();
        assert_eq!(names.len(), 4, "{names:?}");
        assert_eq!(
            json["secret"]["path"],
            "databricks/data-platform/analytics-dev"
        );
        assert!(
            json.get("external_id").is_none(),
            "the vendor's token id stays here"
        );
    }
}
