//! What a person has before them when an operation stands: what is left outside, and what can be done about it.

use crate::domain::external::{ExternalIds, ExternalObject, Origin};
use crate::domain::operation::{OperationKind, OperationStatus};
use crate::store::operations::Operation as Row;
use serde::Serialize;

/// What is left, and what can be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Attention {
    /// What Brickyard made for the workspace and knows to be there, in the order in which it would be removed. What was
    /// given by id is not among it.
    pub left: Vec<Left>,
    /// What can be done, the usual one first.
    pub choices: Vec<Choice>,
}

/// One thing outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Left {
    /// What it is. New values may be added.
    pub kind: LeftKind,
    /// What Databricks calls it.
    pub id: String,
}

/// Kinds of things that may be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeftKind {
    /// A live personal access token; its value lies in the secret store.
    Token,
    /// The service principal it belongs to.
    ServicePrincipal,
    /// The workspace.
    Workspace,
    /// Its network configuration.
    Network,
    /// Its storage configuration.
    StorageConfiguration,
    /// Its credentials configuration.
    Credentials,
}

/// One thing that can be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Choice {
    /// `POST`, `PATCH` or `DELETE`.
    pub method: String,
    /// Where it is asked for.
    #[schema(format = "uri-reference")]
    pub href: String,
    /// What it does.
    pub effect: String,
}

/// What a person has before them; `None` unless the operation needs attention.
pub fn attention(row: &Row, external: &ExternalIds) -> Option<Attention> {
    if row.status != OperationStatus::NeedsAttention {
        return None;
    }
    let at = |verb: &str| format!("/operations/{}/{verb}", row.id);
    let choice = |method: &str, href: String, effect: &str| Choice {
        method: method.to_owned(),
        href,
        effect: effect.to_owned(),
    };
    let choices = match row.kind {
        OperationKind::Update => vec![
            choice(
                "POST",
                at("retry"),
                "Goes on with the step it stands at, with a fresh deadline. Correct the cause first.",
            ),
            choice(
                "PATCH",
                format!("/workspaces/{}", row.workspace_id),
                "Goes on with other tags: those that it had, say.",
            ),
        ],
        OperationKind::Create => vec![
            choice(
                "POST",
                at("retry"),
                "Goes on with the step it stands at, with a fresh deadline. Correct the cause first.",
            ),
            choice(
                "POST",
                at("cancel"),
                "Gives it up and removes what is left.",
            ),
        ],
        OperationKind::Delete => vec![
            choice(
                "POST",
                at("retry"),
                "Goes on removing, with a fresh deadline. Correct the cause first.",
            ),
            choice(
                "DELETE",
                format!("/workspaces/{}?mode=forget", row.workspace_id),
                "Drops the record and leaves alone what is left: remove it by hand. Takes the role `admin`.",
            ),
        ],
    };
    Some(Attention {
        left: left(external),
        choices,
    })
}

fn left(external: &ExternalIds) -> Vec<Left> {
    let thing = |kind, id: &str| Left {
        kind,
        id: id.to_owned(),
    };
    let made = |kind, object: &Option<ExternalObject>| {
        let object = object.as_ref().filter(|it| it.origin == Origin::Made);
        object.map(|it| thing(kind, &it.id))
    };
    let token = external.token.as_ref();
    let principal = external.service_principal.as_ref();
    let workspace = external.workspace.as_ref();
    [
        token.map(|it| thing(LeftKind::Token, &it.id)),
        principal.map(|it| thing(LeftKind::ServicePrincipal, &it.id)),
        workspace.map(|it| thing(LeftKind::Workspace, &it.id.to_string())),
        made(LeftKind::Network, &external.network),
        made(
            LeftKind::StorageConfiguration,
            &external.storage_configuration,
        ),
        made(LeftKind::Credentials, &external.credentials),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::samples;

    #[test]
    fn what_was_given_is_not_left_and_only_what_stands_needs_anybody() {
        let mut row = samples::deleting();
        let external = ExternalIds {
            credentials: Some(ExternalObject {
                id: "given".to_owned(),
                origin: Origin::Given,
            }),
            network: Some(ExternalObject {
                id: "made".to_owned(),
                origin: Origin::Made,
            }),
            ..ExternalIds::default()
        };
        assert_eq!(attention(&row, &external), None);
        row.status = OperationStatus::NeedsAttention;
        let attention = attention(&row, &external).expect("it stands");
        let left: Vec<_> = attention
            .left
            .iter()
            .map(|it| (it.kind, it.id.as_str()))
            .collect();
        assert_eq!(left, [(LeftKind::Network, "made")]);
        assert!(attention.choices[1].href.ends_with("?mode=forget"));
    }
}
