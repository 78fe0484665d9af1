//! From claims to roles: an issuer's rules, each of which must match in every claim it names.

use super::policy::{Grant, Role};
use crate::domain::name::is_name;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// One rule of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// All of these claims must match; never empty.
    pub claims: BTreeMap<String, Vec<Pattern>>,
    /// The team it speaks of.
    pub team: TeamSource,
    /// The role it gives.
    pub role: Role,
}

/// One accepted value of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// Exactly this string.
    Exact(String),
    /// A git ref that begins so. Only in [`WILDCARD_CLAIMS`].
    RefPrefix(String),
    /// Exactly this number.
    Number(i64),
    /// Exactly this truth value.
    Bool(bool),
}

/// Where a rule takes the team from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TeamSource {
    /// All teams (auditor and admin).
    All,
    /// This one.
    Fixed(String),
    /// The value, or each of the values, of this claim that is shaped like a team's name.
    Claim(String),
}

/// Claims that name a repository or a workload. Whoever has one of another's values is not that other.
pub const WHERE: [&str; 6] = [
    "repository",
    "repository_id",
    "project_id",
    "project_path",
    "job_workflow_ref",
    "sub",
];

/// Claims in which a trailing `*` is a wildcard.
pub const WILDCARD_CLAIMS: [&str; 2] = ["ref", "ref_path"];

impl Pattern {
    /// A pattern from a string of the configuration.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(claim: &str, text: &str) -> Result<Self, &'static str> {
        if !text.contains('*') {
            return Ok(Self::Exact(text.to_owned()));
        }
        if !WILDCARD_CLAIMS.contains(&claim) {
            return Err("`*` is a wildcard only in `ref` and `ref_path`");
        }
        let prefix = text
            .strip_suffix('*')
            .filter(|p| !p.contains('*'))
            .ok_or("`*` may stand only once, at the end")?;
        let branch = prefix
            .strip_prefix("refs/heads/")
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('/'));
        let tag = prefix
            .strip_prefix("refs/tags/")
            .is_some_and(|rest| !rest.is_empty());
        if branch || tag {
            Ok(Self::RefPrefix(prefix.to_owned()))
        } else {
            Err("a wildcard must follow a fixed `refs/heads/…/` or `refs/tags/…`")
        }
    }

    fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Exact(expected), Value::String(text)) => expected == text,
            (Self::RefPrefix(prefix), Value::String(text)) => {
                text.len() > prefix.len() && text.starts_with(prefix.as_str())
            }
            (Self::Number(expected), Value::Number(number)) => number.as_i64() == Some(*expected),
            (Self::Bool(expected), Value::Bool(truth)) => expected == truth,
            _ => false,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => f.write_str(text),
            Self::RefPrefix(prefix) => write!(f, "{prefix}*"),
            Self::Number(number) => number.fmt(f),
            Self::Bool(truth) => truth.fmt(f),
        }
    }
}

impl Rule {
    fn matches(&self, claims: &Map<String, Value>) -> bool {
        !self.claims.is_empty()
            && self
                .claims
                .keys()
                .all(|name| self.claim_matches(name, claims))
    }

    /// Whether a claim is as the rule wants it. A rule wants nothing of a claim it does not name.
    pub(super) fn claim_matches(&self, name: &str, claims: &Map<String, Value>) -> bool {
        let (Some(patterns), Some(value)) = (self.claims.get(name), claims.get(name)) else {
            return !self.claims.contains_key(name);
        };
        match value {
            // groups and the like: one of the members must match
            Value::Array(items) => patterns
                .iter()
                .filter(|p| !matches!(p, Pattern::RefPrefix(_)))
                .any(|p| items.iter().any(|item| p.matches(item))),
            one => patterns.iter().any(|p| p.matches(one)),
        }
    }

    /// The teams it speaks of; `None` for all teams.
    pub(super) fn teams(&self, claims: &Map<String, Value>) -> Vec<Option<String>> {
        let named = |value: &Value| match value {
            Value::String(team) if is_name(team) => Some(Some(team.clone())),
            _ => None,
        };
        match &self.team {
            TeamSource::All => vec![None],
            TeamSource::Fixed(team) => vec![Some(team.clone())],
            TeamSource::Claim(claim) => match claims.get(claim) {
                Some(Value::Array(items)) => items.iter().filter_map(named).collect(),
                Some(one) => named(one).into_iter().collect(),
                None => Vec::new(),
            },
        }
    }
}

/// The claim that marks a run for a pull or merge request. Such runs get no role, whatever the rules say: their code
/// was written by somebody who need not be trusted.
pub(super) fn barred_event(claims: &Map<String, Value>) -> Option<&'static str> {
    ["event_name", "pipeline_source"].into_iter().find(|name| {
        claims
            .get(*name)
            .and_then(Value::as_str)
            .is_some_and(|event| {
                event.starts_with("pull_request") || event.contains("merge_request")
            })
    })
}

/// The grants that follow from the claims.
pub fn grants(rules: &[Rule], claims: &Map<String, Value>) -> Vec<Grant> {
    if barred_event(claims).is_some() {
        return Vec::new();
    }
    let mut grants: Vec<Grant> = rules
        .iter()
        .filter(|rule| rule.matches(claims))
        .flat_map(|rule| {
            rule.teams(claims).into_iter().map(|team| Grant {
                role: rule.role,
                team,
            })
        })
        .collect();
    grants.sort();
    grants.dedup();
    grants
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(claims: &[(&str, &[&str])], team: TeamSource, role: Role) -> Rule {
        Rule {
            claims: claims
                .iter()
                .map(|(name, values)| {
                    let patterns = values.iter().map(|v| Pattern::parse(name, v).unwrap());
                    ((*name).to_owned(), patterns.collect())
                })
                .collect(),
            team,
            role,
        }
    }

    fn blue() -> TeamSource {
        TeamSource::Fixed("blue".to_owned())
    }

    fn count(rule: Rule, claims: Value) -> usize {
        grants(&[rule], claims.as_object().unwrap()).len()
    }

    #[test]
    fn wildcards_stand_only_after_a_fixed_ref() {
        for (claim, text, good) in [
            ("ref", "refs/heads/release/*", true),
            ("ref_path", "refs/heads/release/*", true),
            ("ref", "refs/tags/v*", true),
            ("ref", "refs/heads/main", true),
            ("sub", "repo:org/repo:*", false),
            ("repository", "org/*", false),
            ("ref", "*", false),
            ("ref", "refs/*", false),
            ("ref", "refs/heads/*", false),
            ("ref", "refs/heads//*", false),
            ("ref", "refs/heads/release*", false),
            ("ref", "refs/tags/*", false),
            ("ref", "refs/heads/*/x", false),
            ("ref", "refs/heads/r/**", false),
        ] {
            assert_eq!(Pattern::parse(claim, text).is_ok(), good, "{claim} {text}");
        }
    }

    #[test]
    fn every_claim_must_match() {
        let ci = || {
            rule(
                &[
                    ("repository_id", &["42", "43"]),
                    ("ref", &["refs/heads/main", "refs/heads/release/*"]),
                    ("environment", &["production"]),
                ],
                blue(),
                Role::Requester,
            )
        };
        let good =
            json!({"repository_id": "42", "ref": "refs/heads/main", "environment": "production"});
        let but = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            claims
        };
        assert_eq!(count(ci(), good.clone()), 1);
        assert_eq!(count(ci(), but("repository_id", json!("43"))), 1);
        assert_eq!(count(ci(), but("ref", json!("refs/heads/release/1.2"))), 1);
        for (name, value) in [
            // renamed repository with another id; a number is not a string
            ("repository_id", json!("44")),
            ("repository_id", json!(42)),
            // tag named like a branch
            ("ref", json!("refs/tags/main")),
            ("ref", json!("refs/heads/release/")),
            ("ref", json!("refs/heads/release-evil")),
            ("ref", json!(["refs/heads/release/1"])),
            // environment missing
            ("environment", Value::Null),
            ("environment", json!("Production")),
            ("event_name", json!("pull_request")),
            ("event_name", json!("pull_request_target")),
            ("pipeline_source", json!("merge_request_event")),
        ] {
            assert_eq!(count(ci(), but(name, value.clone())), 0, "{name} {value}");
        }
    }

    #[test]
    fn lists_match_by_whole_members() {
        let member = || rule(&[("groups", &["admins"])], TeamSource::All, Role::Admin);
        assert_eq!(count(member(), json!({"groups": ["x", "admins"]})), 1);
        assert_eq!(count(member(), json!({"groups": "admins"})), 1);
        for groups in [
            json!("not-admins"),
            json!(["not-admins"]),
            json!({"admins": 1}),
            json!([["admins"]]),
        ] {
            assert_eq!(count(member(), json!({"groups": groups})), 0);
        }
        let nothing = rule(&[], blue(), Role::Viewer);
        assert_eq!(
            count(nothing, json!({"groups": ["x"]})),
            0,
            "a rule without claims matches nobody"
        );
    }

    #[test]
    fn teams_from_a_claim() {
        let by_claim = || {
            rule(
                &[("iss", &["x"])],
                TeamSource::Claim("teams".to_owned()),
                Role::Viewer,
            )
        };
        assert_eq!(
            count(
                by_claim(),
                json!({"iss": "x", "teams": ["blue", "red", "blue", "Not a team", 7]})
            ),
            2
        );
        assert_eq!(count(by_claim(), json!({"iss": "x", "teams": "blue"})), 1);
        assert_eq!(count(by_claim(), json!({"iss": "x"})), 0);
    }
}
