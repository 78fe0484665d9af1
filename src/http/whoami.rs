//! `GET /whoami`: who the service thinks one is, and why. The answer to "why 403?" without asking anybody.

use super::Http;
use super::extract::Caller;
use super::operations::view::millis;
use super::problem::Problem;
use super::query::{NoQuery, Query};
use crate::auth::reasons::{Difference, Matched, Near};
use crate::auth::{Principal, Reasons, Role};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Who the caller is, and why it may do what it may. Never the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Whoami {
    /// What things are owned by and recorded under: `oidc:`, the issuer's name, `:` and `sub`.
    pub principal: String,
    /// Who vouches for it.
    pub issuer: Issuer,
    /// `sub`.
    pub subject: String,
    /// When the token ends.
    pub token_expires_at: DateTime<Utc>,
    /// The claims that the issuer's rules look at, as the token has them.
    #[schema(value_type = Object)]
    pub claims: Map<String, Value>,
    /// The roles it has, team by team, each with the rule that gave it. Empty: it may do nothing here.
    pub roles: Vec<HeldRole>,
    /// Without any role: at most three rules that lacked least, best first.
    pub nearest: Vec<NearRule>,
    /// How much it may ask.
    pub limits: CallerLimits,
}

/// A trusted issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Issuer {
    /// Its name in the configuration.
    pub name: String,
    /// `iss`.
    pub iss: String,
}

/// A role in a team, or in all teams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HeldRole {
    /// The team; null for all teams.
    pub team: Option<String>,
    /// The role.
    pub role: Role,
    /// Where the rule stands in the configuration.
    pub rule: String,
}

/// A rule that did not match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NearRule {
    /// Where it stands in the configuration.
    pub rule: String,
    /// The role it would have given.
    pub role: Role,
    /// The claims that are not as it wants them.
    pub differs: Vec<ClaimDifference>,
}

/// A claim that is not as a rule wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ClaimDifference {
    /// Its name.
    pub claim: String,
    /// What the rule wants, in words. Null where that would tell about others: a job is told it only by a rule for its
    /// own repository.
    pub expected: Option<String>,
    /// What the token has; null if it has no such claim.
    pub actual: Option<Value>,
}

/// How much a caller may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CallerLimits {
    /// Requests per minute, to one process.
    pub requests_per_minute: u32,
}

impl Whoami {
    /// The answer for a caller.
    pub fn of(principal: &Principal, reasons: &Reasons, requests_per_minute: u32) -> Self {
        Self {
            principal: principal.id.clone(),
            issuer: Issuer {
                name: principal.issuer.clone(),
                iss: reasons.issuer.clone(),
            },
            subject: principal.subject.clone(),
            token_expires_at: millis(
                DateTime::from_timestamp(principal.expires_at, 0).unwrap_or_default(),
            ),
            claims: reasons.claims.clone(),
            roles: reasons.matched.iter().flat_map(held).collect(),
            nearest: reasons.nearest.iter().map(near).collect(),
            limits: CallerLimits {
                requests_per_minute,
            },
        }
    }

    fn sample() -> Self {
        let team = "data-platform".to_owned();
        let matched = Matched {
            rule: "issuers.company.rules[1]".to_owned(),
            role: Role::Requester,
            teams: vec![Some(team)],
        };
        Self::sample_of(
            "ada@example.com",
            json!({"groups": ["data-platform-devs"]}),
            vec![matched],
            Vec::new(),
        )
    }

    fn sample_without_role() -> Self {
        let lacks = Near {
            rule: "issuers.company.rules[1]".to_owned(),
            role: Role::Requester,
            differs: vec![Difference {
                claim: "groups".to_owned(),
                expected: Some("data-platform-devs".to_owned()),
                actual: Some(json!(["guests"])),
            }],
        };
        Self::sample_of(
            "eve@example.com",
            json!({"groups": ["guests"]}),
            Vec::new(),
            vec![lacks],
        )
    }

    fn sample_of(subject: &str, claims: Value, matched: Vec<Matched>, nearest: Vec<Near>) -> Self {
        let principal = Principal {
            id: format!("oidc:company:{subject}"),
            issuer: "company".to_owned(),
            subject: subject.to_owned(),
            grants: Vec::new(),
            expires_at: super::samples::time(600).timestamp(),
        };
        let reasons = Reasons {
            issuer: "https://login.example.com/".to_owned(),
            claims: claims.as_object().cloned().unwrap_or_default(),
            matched,
            nearest,
        };
        Self::of(&principal, &reasons, 600)
    }
}

fn held(matched: &Matched) -> impl Iterator<Item = HeldRole> {
    matched.teams.iter().map(|team| HeldRole {
        team: team.clone(),
        role: matched.role,
        rule: matched.rule.clone(),
    })
}

fn near(near: &Near) -> NearRule {
    let told = |difference: &Difference| ClaimDifference {
        claim: difference.claim.clone(),
        expected: difference.expected.clone(),
        actual: difference.actual.clone(),
    };
    NearRule {
        rule: near.rule.clone(),
        role: near.role,
        differs: near.differs.iter().map(told).collect(),
    }
}

/// Who am I here
///
/// The issuer that vouches for the caller, the claims its rules look at, the rules that matched and the roles they give.
/// A caller without any role is told which rules came nearest, and which claim differed.
#[utoipa::path(
    get,
    path = "/whoami",
    operation_id = "whoami",
    tag = "identity",
    responses((
        status = 200,
        description = "Who the token says the caller is",
        body = Whoami,
        examples(
            ("with_role" = (summary = "With a role", value = json!(Whoami::sample()))),
            ("without_role" = (summary = "Without any", value = json!(Whoami::sample_without_role()))),
        ),
    )),
)]
pub async fn whoami(
    State(http): State<Http>,
    caller: Caller,
    Query(NoQuery): Query<NoQuery>,
) -> Result<Json<Whoami>, Problem> {
    caller.may(None, None, Problem::internal())?;
    Ok(Json(Whoami::of(
        &caller.principal,
        &caller.reasons,
        http.settings.limits.requests_per_minute,
    )))
}
