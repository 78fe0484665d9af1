//! Why a principal has the roles it has, or what it lacks for one: what `GET /whoami` tells.
//!
//! Anybody in the world can have a token of a public CI service, and such a token may learn nothing about who else is
//! served here. So a rule's place, role and claim names are told, and the caller's own values; what the rule wants is
//! told only where the caller is plainly meant: every claim of it that names a repository or workload matches, or it has
//! none and the issuer is not of CI jobs. A rule's team is told to those who hold the role, and to nobody else.

use super::policy::Role;
use super::rules::{self, Rule, TeamSource, WHERE};
use serde_json::{Map, Value};

/// Most rules told as near.
const NEAREST: usize = 3;

/// What an issuer's rules made of a token's claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reasons {
    /// `iss`.
    pub issuer: String,
    /// The claims that the issuer's rules look at, as the token has them.
    pub claims: Map<String, Value>,
    /// The rules that gave a role.
    pub matched: Vec<Matched>,
    /// Without any role: the rules that lacked least, best first.
    pub nearest: Vec<Near>,
}

/// A rule that gave a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// Its place in the configuration, `issuers.company.rules[0]`.
    pub rule: String,
    /// The role.
    pub role: Role,
    /// The teams; `None` for all teams.
    pub teams: Vec<Option<String>>,
}

/// A rule that gave none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Its place in the configuration, `issuers.company.rules[0]`.
    pub rule: String,
    /// The role it would have given.
    pub role: Role,
    /// The claims that are not as it wants them.
    pub differs: Vec<Difference>,
}

/// A claim that is not as a rule wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub claim: String,
    /// What the rule wants, for people; `None` if that is not for this caller to know.
    pub expected: Option<String>,
    /// What the token has; `None` if it has no such claim.
    pub actual: Option<Value>,
}

impl Reasons {
    /// What the rules of the issuer `name` (`iss` is `issuer`) made of these claims.
    pub(super) fn of(
        name: &str,
        issuer: &str,
        ci: bool,
        rules: &[Rule],
        claims: &Map<String, Value>,
    ) -> Self {
        let place = |index: usize| format!("issuers.{name}.rules[{index}]");
        let barred = rules::barred_event(claims);
        let mut matched = Vec::new();
        let mut nearest = Vec::new();
        // A rule without claims matches nobody.
        let rules_with_claims = rules
            .iter()
            .enumerate()
            .filter(|(_, r)| !r.claims.is_empty());
        for (index, rule) in rules_with_claims {
            let mut differs = differences(rule, ci, claims);
            if let Some(event) = barred {
                differs.push(Difference {
                    claim: event.to_owned(),
                    expected: Some("no pull request or merge request".to_owned()),
                    actual: claims.get(event).cloned(),
                });
            }
            if differs.is_empty() {
                matched.push(Matched {
                    rule: place(index),
                    role: rule.role,
                    teams: rule.teams(claims),
                });
            } else {
                nearest.push(Near {
                    rule: place(index),
                    role: rule.role,
                    differs,
                });
            }
        }
        nearest.sort_by_key(|near| near.differs.len());
        nearest.truncate(if matched.is_empty() { NEAREST } else { 0 });
        Self {
            issuer: issuer.to_owned(),
            claims: used(rules, barred, claims),
            matched,
            nearest,
        }
    }
}

/// The claims that decided something.
fn used(rules: &[Rule], barred: Option<&str>, claims: &Map<String, Value>) -> Map<String, Value> {
    let named = |name: &str| {
        rules.iter().any(|rule| {
            rule.claims.contains_key(name)
                || matches!(&rule.team, TeamSource::Claim(claim) if claim == name)
        })
    };
    claims
        .iter()
        .filter(|(name, _)| barred == Some(name.as_str()) || named(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn differences(rule: &Rule, ci: bool, claims: &Map<String, Value>) -> Vec<Difference> {
    let names_a_place = |name: &str| WHERE.contains(&name);
    let mut places = rule.claims.keys().filter(|name| names_a_place(name));
    let meant = match places.clone().next() {
        Some(_) => places.all(|name| rule.claim_matches(name, claims)),
        None => !ci,
    };
    let mut differs: Vec<Difference> = rule
        .claims
        .iter()
        .filter(|(name, _)| !rule.claim_matches(name, claims))
        .map(|(name, patterns)| Difference {
            claim: name.clone(),
            expected: meant.then(|| {
                let wanted: Vec<String> = patterns.iter().map(ToString::to_string).collect();
                wanted.join(" or ")
            }),
            actual: claims.get(name).cloned(),
        })
        .collect();
    if let TeamSource::Claim(claim) = &rule.team
        && rule.teams(claims).is_empty()
    {
        differs.push(Difference {
            claim: claim.clone(),
            expected: Some("the name of a team".to_owned()),
            actual: claims.get(claim).cloned(),
        });
    }
    differs
}

#[cfg(test)]
mod tests {
    use super::super::rules::Pattern;
    use super::*;
    use serde_json::json;

    fn rule(claims: &[(&str, &[&str])], team: TeamSource, role: Role) -> Rule {
        let patterns = |name: &str, values: &[&str]| {
            values
                .iter()
                .map(|value| Pattern::parse(name, value).unwrap())
                .collect()
        };
        Rule {
            claims: claims
                .iter()
                .map(|(name, values)| ((*name).to_owned(), patterns(name, values)))
                .collect(),
            team,
            role,
        }
    }

    fn blue() -> TeamSource {
        TeamSource::Fixed("blue".to_owned())
    }

    fn of(ci: bool, rules: &[Rule], claims: Value) -> Reasons {
        Reasons::of(
            "corp",
            "https://corp.example.com",
            ci,
            rules,
            claims.as_object().unwrap(),
        )
    }

    fn told(reasons: &Reasons) -> Vec<(&str, &str, Option<&str>)> {
        let near = reasons.nearest.iter();
        near.flat_map(|near| {
            let differs = near.differs.iter();
            differs.map(|d| (near.rule.as_str(), d.claim.as_str(), d.expected.as_deref()))
        })
        .collect()
    }

    #[test]
    fn rules_that_match_are_named_by_their_place() {
        let rules = [
            rule(&[("groups", &["other"])], blue(), Role::Operator),
            rule(&[("groups", &["devs"])], blue(), Role::Requester),
            rule(
                &[("sub", &["ada"])],
                TeamSource::Claim("teams".to_owned()),
                Role::Viewer,
            ),
        ];
        let claims =
            json!({"sub": "ada", "groups": ["devs"], "teams": ["red", "green"], "email": "a@b"});
        let reasons = of(false, &rules, claims);
        let team = |name: &str| Some(name.to_owned());
        assert_eq!(
            reasons.matched,
            [
                Matched {
                    rule: "issuers.corp.rules[1]".to_owned(),
                    role: Role::Requester,
                    teams: vec![team("blue")],
                },
                Matched {
                    rule: "issuers.corp.rules[2]".to_owned(),
                    role: Role::Viewer,
                    teams: vec![team("red"), team("green")],
                },
            ]
        );
        assert_eq!(reasons.nearest, []);
        let claims: Vec<&String> = reasons.claims.keys().collect();
        assert_eq!(
            claims,
            ["groups", "sub", "teams"],
            "an address is nobody's business"
        );
    }

    #[test]
    fn the_nearest_rules_and_what_differs() {
        let rules = [
            rule(
                &[("groups", &["a", "b"]), ("country", &["de"])],
                blue(),
                Role::Operator,
            ),
            rule(&[("groups", &["devs", "ops"])], blue(), Role::Requester),
            rule(
                &[("sub", &["ada"])],
                TeamSource::Claim("team".to_owned()),
                Role::Viewer,
            ),
        ];
        let reasons = of(
            false,
            &rules,
            json!({"sub": "ada", "groups": ["guests"], "team": "Not A Team"}),
        );
        assert_eq!(reasons.matched, []);
        assert_eq!(
            told(&reasons),
            [
                ("issuers.corp.rules[1]", "groups", Some("devs or ops")),
                ("issuers.corp.rules[2]", "team", Some("the name of a team")),
                ("issuers.corp.rules[0]", "country", Some("de")),
                ("issuers.corp.rules[0]", "groups", Some("a or b")),
            ]
        );
        assert_eq!(
            reasons.nearest[0].differs[0].actual,
            Some(json!(["guests"]))
        );
        assert_eq!(reasons.nearest[2].differs[0].actual, None);
    }

    /// A job of the right repository is told which ref; a job from anywhere else learns no value of the rule.
    #[test]
    fn strangers_learn_no_values() {
        let ci = rule(
            &[
                ("repository_id", &["42"]),
                ("ref", &["refs/heads/main", "refs/heads/release/*"]),
                ("environment", &["production"]),
            ],
            blue(),
            Role::Requester,
        );
        let of = |ci_issuer, claims| {
            let reasons = of(ci_issuer, std::slice::from_ref(&ci), claims);
            assert!(!format!("{reasons:?}").contains("blue"));
            told(&reasons)
                .into_iter()
                .map(|(_, claim, expected)| (claim.to_owned(), expected.map(str::to_owned)))
                .collect::<Vec<_>>()
        };
        for ci_issuer in [true, false] {
            let own = of(
                ci_issuer,
                json!({"repository_id": "42", "ref": "refs/heads/dev", "environment": "production"}),
            );
            let wanted = "refs/heads/main or refs/heads/release/*".to_owned();
            assert_eq!(own, [("ref".to_owned(), Some(wanted))]);
            let strange = of(
                ci_issuer,
                json!({"repository_id": "43", "ref": "refs/heads/main", "environment": "production"}),
            );
            assert_eq!(strange, [("repository_id".to_owned(), None)]);
        }
        // not even a group, if anybody can be an issuer's client
        let group = rule(&[("groups", &["devs"])], blue(), Role::Viewer);
        let reasons = super::tests::of(true, &[group], json!({"groups": []}));
        assert_eq!(told(&reasons), [("issuers.corp.rules[0]", "groups", None)]);
    }

    #[test]
    fn a_pull_request_is_told_that_it_is_one() {
        let rules = [rule(&[("repository_id", &["42"])], blue(), Role::Requester)];
        let reasons = of(
            true,
            &rules,
            json!({"repository_id": "42", "event_name": "pull_request_target"}),
        );
        assert_eq!(reasons.matched, []);
        assert_eq!(
            told(&reasons),
            [(
                "issuers.corp.rules[0]",
                "event_name",
                Some("no pull request or merge request")
            )]
        );
        assert_eq!(reasons.claims["event_name"], "pull_request_target");
    }
}
