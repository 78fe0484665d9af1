//! `[issuers.<name>]`: whose tokens are trusted, and what their claims are worth.

use super::shape::PlainHttp;
use super::{Mistakes, Source};
use crate::auth::rules::WHERE;
use crate::auth::{
    Algorithm, Denied, IssuerSettings, LoginClient, Pattern, Role, Rule, Settings, TeamSource,
};
use crate::domain::name::is_name;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What people's logins ask for unless told otherwise.
const DOCS_SCOPES: [&str; 2] = ["openid", "profile"];

/// Claims that say on which of its refs, or for which environment, it runs.
const WHICH: [&str; 6] = [
    "ref",
    "ref_path",
    "environment",
    "job_workflow_ref",
    "ref_protected",
    "sub",
];

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    issuer: Option<String>,
    audience: Option<String>,
    jwks_url: Option<String>,
    algorithms: Option<Vec<Algorithm>>,
    max_lifetime_seconds: Option<u32>,
    ci: bool,
    authorized_parties: Vec<String>,
    docs_client_id: Option<String>,
    docs_scopes: Option<Vec<String>>,
    token_types: Vec<String>,
    single_use_jti: bool,
    denied_subjects: Vec<String>,
    denied_tokens: Vec<String>,
    denied_keys: Vec<String>,
    rules: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    #[serde(default)]
    claims: BTreeMap<String, Value>,
    team: Option<String>,
    team_claim: Option<String>,
    role: Role,
}

pub(super) fn read(source: &Source, plain: PlainHttp, mistakes: &mut Mistakes) -> Settings {
    let mut issuers: Settings = Vec::new();
    for name in source.names("issuers", mistakes) {
        let key = format!("issuers.{name}");
        mistakes.name(&key, &name);
        let Some(raw) = source.section(&key, mistakes) else {
            continue;
        };
        let issuer = issuer(name, raw, &key, plain, mistakes);
        if let Some(twin) = issuers.iter().find(|i| i.issuer == issuer.issuer)
            && !issuer.issuer.is_empty()
        {
            mistakes.add(
                format!("{key}.issuer"),
                format!("is also issuers.{}'s", twin.name),
            );
        }
        if let Some(twin) = issuers.iter().find(|i| i.docs_client.is_some())
            && issuer.docs_client.is_some()
        {
            mistakes.add(
                format!("{key}.docs_client_id"),
                format!("people log in with issuers.{} already", twin.name),
            );
        }
        issuers.push(issuer);
    }
    issuers
}

fn issuer(
    name: String,
    raw: Raw,
    key: &str,
    plain: PlainHttp,
    mistakes: &mut Mistakes,
) -> IssuerSettings {
    let docs_client = docs_client(&raw, key, mistakes);
    let issuer = mistakes.required(format!("{key}.issuer"), raw.issuer);
    // Without a key address the issuer's own is asked for one.
    match &raw.jwks_url {
        Some(url) => mistakes.url(format!("{key}.jwks_url"), url, plain),
        None if !issuer.is_empty() => mistakes.url(format!("{key}.issuer"), &issuer, plain),
        None => {}
    }
    let algorithms = raw
        .algorithms
        .unwrap_or_else(|| Algorithm::DEFAULT.to_vec());
    if algorithms.is_empty() {
        mistakes.add(
            format!("{key}.algorithms"),
            "is empty: no token would be accepted",
        );
    }
    let longest = if raw.ci { 3600 } else { 24 * 3600 };
    let max_lifetime_seconds = raw.max_lifetime_seconds.unwrap_or(longest);
    mistakes.range(
        format!("{key}.max_lifetime_seconds"),
        max_lifetime_seconds,
        60..=longest,
    );
    let lists = [
        ("authorized_parties", &raw.authorized_parties),
        ("token_types", &raw.token_types),
        ("denied_subjects", &raw.denied_subjects),
        ("denied_tokens", &raw.denied_tokens),
        ("denied_keys", &raw.denied_keys),
    ];
    for (list, values) in lists {
        if values.iter().any(|value| value.trim().is_empty()) {
            mistakes.add(format!("{key}.{list}"), "holds an empty text");
        }
    }
    let rules = raw
        .rules
        .into_iter()
        .enumerate()
        .map(|(n, rule)| read_rule(rule, raw.ci, &format!("{key}.rules.{n}"), mistakes))
        .collect();
    if docs_client.is_some() && raw.jwks_url.is_some() && !issuer.is_empty() {
        // Its discovery document is read for this, if not for the keys.
        mistakes.url(format!("{key}.issuer"), &issuer, plain);
    }
    IssuerSettings {
        name,
        issuer,
        audience: mistakes.required(format!("{key}.audience"), raw.audience),
        jwks_url: raw.jwks_url,
        algorithms,
        max_lifetime_seconds,
        ci: raw.ci,
        authorized_parties: raw.authorized_parties,
        docs_client,
        token_types: raw.token_types,
        single_use_jti: raw.single_use_jti,
        denied: Denied {
            subjects: raw.denied_subjects.into_iter().collect(),
            tokens: raw.denied_tokens.into_iter().collect(),
            keys: raw.denied_keys.into_iter().collect(),
        },
        rules,
    }
}

/// The client that people log in with on the documentation page.
fn docs_client(raw: &Raw, key: &str, mistakes: &mut Mistakes) -> Option<LoginClient> {
    let scopes_key = format!("{key}.docs_scopes");
    let Some(id) = &raw.docs_client_id else {
        if raw.docs_scopes.is_some() {
            mistakes.add(scopes_key, "has no effect without `docs_client_id`");
        }
        return None;
    };
    let id_key = format!("{key}.docs_client_id");
    if id.is_empty() || !id.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        mistakes.add(&id_key, format!("`{id}` is not a client's id"));
    }
    if raw.ci {
        mistakes.add(&id_key, "people do not log in with an issuer of CI tokens");
    }
    if !raw.authorized_parties.is_empty() && !raw.authorized_parties.contains(id) {
        mistakes.add(
            &id_key,
            "is none of `authorized_parties`: its tokens would be refused",
        );
    }
    let scopes = match &raw.docs_scopes {
        Some(scopes) => scopes.clone(),
        None => DOCS_SCOPES.map(str::to_owned).to_vec(),
    };
    for scope in &scopes {
        let fit = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
        if scope.is_empty() || !scope.bytes().all(fit) {
            mistakes.add(&scopes_key, format!("`{scope}` is not a scope"));
        }
    }
    Some(LoginClient {
        id: id.clone(),
        scopes,
    })
}

fn read_rule(raw: RawRule, ci: bool, key: &str, mistakes: &mut Mistakes) -> Rule {
    if raw.claims.is_empty() {
        mistakes.add(
            format!("{key}.claims"),
            "is required: a rule for everybody is not allowed",
        );
    }
    if raw.claims.contains_key("actor") || raw.claims.contains_key("actor_id") {
        mistakes.add(
            format!("{key}.claims"),
            "must not match on the actor: whoever starts a job is not who wrote it",
        );
    }
    let names_one_of = |names: &[&str]| names.iter().any(|name| raw.claims.contains_key(*name));
    let writes = !matches!(raw.role, Role::Viewer | Role::Auditor);
    if ci && writes && !(names_one_of(&WHERE) && names_one_of(&WHICH)) {
        mistakes.add(
            format!("{key}.claims"),
            format!(
                "a CI job gets `{}` only by repository (or `sub`) and ref or environment",
                raw.role.as_str()
            ),
        );
    }
    let team = match (raw.team, raw.team_claim, raw.role.is_for_all_teams()) {
        (None, None, true) => TeamSource::All,
        (Some(team), None, false) => {
            if !is_name(&team) {
                mistakes.add(
                    format!("{key}.team"),
                    format!("`{team}` is not a team's name"),
                );
            }
            TeamSource::Fixed(team)
        }
        (None, Some(claim), false) => TeamSource::Claim(claim),
        (_, _, for_all_teams) => {
            let role = raw.role.as_str();
            mistakes.add(
                format!("{key}.team"),
                if for_all_teams {
                    format!("`{role}` is a role for all teams: leave `team` and `team_claim` out")
                } else {
                    format!("`{role}` needs either `team` or `team_claim`")
                },
            );
            TeamSource::All
        }
    };
    let mut claims = BTreeMap::new();
    for (name, value) in raw.claims {
        let key = format!("{key}.claims.{name}");
        let patterns = patterns(&name, value, &key, mistakes);
        claims.insert(name, patterns);
    }
    Rule {
        claims,
        team,
        role: raw.role,
    }
}

fn patterns(claim: &str, value: Value, key: &str, mistakes: &mut Mistakes) -> Vec<Pattern> {
    let values = match value {
        Value::Array(values) if values.is_empty() => {
            mistakes.add(key, "is empty: nothing would match");
            return Vec::new();
        }
        Value::Array(values) => values,
        one => vec![one],
    };
    let mut patterns = Vec::new();
    for value in values {
        let pattern = match &value {
            Value::String(text) => Pattern::parse(claim, text),
            Value::Bool(truth) => Ok(Pattern::Bool(*truth)),
            Value::Number(n) => n
                .as_i64()
                .map(Pattern::Number)
                .ok_or("must be a whole number"),
            _ => Err("must be text, a whole number, true or false, or a list of these"),
        };
        match pattern {
            Ok(pattern) => patterns.push(pattern),
            Err(why) => mistakes.add(key, format!("{value}: {why}")),
        }
    }
    patterns
}
