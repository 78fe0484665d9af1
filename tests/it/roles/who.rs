//! The callers: of every role, related to the thing in every way, from issuers of people and of CI jobs.

use crate::support::{Answer, Builder, PATIENCE, SPEED, TestApp, simulate};
use brickyard::dev::TEAM;
use serde_json::{Value, json};
use simulator::{Call, Simulator};
use std::time::{Duration, Instant};

/// Who asks. The thing asked about is in team `data-platform` and belongs to [`Who::Owner`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Viewer,
    Owner,
    /// A requester of the same team.
    Colleague,
    Operator,
    /// A viewer of another team.
    OtherViewer,
    /// A requester of another team.
    Stranger,
    /// An operator of another team.
    OtherOperator,
    Auditor,
    Admin,
    /// A viewer of this team who is a requester of the other.
    Both,
    /// A good token that no rule gives a role.
    Unmatched,
    /// A CI job that a rule makes a requester of the team.
    Job,
    /// A CI job of a repository that no rule names.
    StrangeJob,
    /// A CI job of the right repository, run for a pull request.
    PullRequest,
    /// A token that ended.
    Expired,
    /// A good token whose subject is denied.
    Denied,
    /// A token with a broken signature.
    Forged,
    /// No token.
    Nobody,
}

/// `iss` of the CI jobs.
pub const CI: &str = "https://ci.example.com";
/// `iss` of people who are not in the team.
pub const PEOPLE: &str = "https://people.example.com";

impl Who {
    /// All of them, in the order of the table's columns.
    pub const ALL: [Self; 18] = [
        Self::Viewer,
        Self::Owner,
        Self::Colleague,
        Self::Operator,
        Self::OtherViewer,
        Self::Stranger,
        Self::OtherOperator,
        Self::Auditor,
        Self::Admin,
        Self::Both,
        Self::Unmatched,
        Self::Job,
        Self::StrangeJob,
        Self::PullRequest,
        Self::Expired,
        Self::Denied,
        Self::Forged,
        Self::Nobody,
    ];

    /// The value of `Authorization`.
    pub fn authorization(self, app: &TestApp) -> Option<String> {
        let now = app.app.clock.now().timestamp();
        let bearer = |mut claims: Value| {
            for (name, value) in [("iat", now - 10), ("exp", now + 600)] {
                let claims = claims.as_object_mut().expect("an object");
                claims.entry(name).or_insert(value.into());
            }
            Some(format!("Bearer {}", app.simulator.mint_jwt(claims)))
        };
        let of = |name: &str, groups: &[&str]| {
            bearer(json!({"sub": format!("{name}@example.com"), "groups": groups}))
        };
        let people = |name: &str, group: &str| {
            bearer(json!({"iss": PEOPLE, "sub": format!("{name}@example.com"), "groups": [group]}))
        };
        let job = |repository: &str, event: &str| {
            bearer(json!({
                "iss": CI, "sub": format!("repo:{repository}"), "repository_id": repository,
                "ref": "refs/heads/main", "event_name": event,
            }))
        };
        let role = |role: &str| Some(app.bearer(role));
        match self {
            Self::Viewer => role("viewer"),
            Self::Owner => role("requester"),
            Self::Colleague => of("colleague", &["requesters"]),
            Self::Operator => role("operator"),
            Self::OtherViewer => people("vera", "other-viewers"),
            Self::Stranger => of("stranger", &["other-requesters"]),
            Self::OtherOperator => people("otto", "other-operators"),
            Self::Auditor => role("auditor"),
            Self::Admin => role("admin"),
            Self::Both => of("both", &["viewers", "other-requesters"]),
            Self::Unmatched => of("guest", &["guests"]),
            Self::Job => job("4711", "push"),
            Self::StrangeJob => job("666", "push"),
            Self::PullRequest => job("4711", "pull_request"),
            Self::Expired => bearer(json!({
                "sub": "late@example.com", "groups": ["admins"], "iat": now - 7200, "exp": now - 61,
            })),
            Self::Denied => people("mallory", "other-operators"),
            Self::Forged => {
                let good = app.bearer("admin");
                let (head, signature) = good.rsplit_once('.').expect("a JWT");
                let turned: String = signature.chars().rev().collect();
                Some(format!("{head}.{turned}"))
            }
            Self::Nobody => None,
        }
    }

    /// One exchange.
    pub async fn asks(
        self,
        app: &TestApp,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let authorization = self.authorization(app);
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(
            authorization
                .as_deref()
                .map(|value| ("authorization", value)),
        );
        let body = body.map(Value::to_string);
        app.send(method, path, &headers, body.as_deref()).await
    }
}

/// The issuers beside the ordinary one, and one whose tokens are good once.
fn issuers(simulator: &Simulator) -> String {
    let (keys, audience) = (&simulator.world().jwks_uri, &simulator.world().audience);
    format!(
        r#"
[issuers.people]
issuer = "{PEOPLE}"
audience = "{audience}"
jwks_url = "{keys}"
denied_subjects = ["mallory@example.com"]
denied_tokens = ["stolen"]
rules = [
    {{ claims = {{ groups = "other-viewers" }}, team = "other-team", role = "viewer" }},
    {{ claims = {{ groups = "other-operators" }}, team = "other-team", role = "operator" }},
]

[issuers.ci-jobs]
issuer = "{CI}"
audience = "{audience}"
jwks_url = "{keys}"
ci = true
rules = [
    {{ claims = {{ repository_id = "4711", ref = "refs/heads/main" }}, team = "{TEAM}", role = "requester" }},
    {{ claims = {{ repository_id = "4712", environment = "production" }}, team = "other-team", role = "requester" }},
]

[issuers.once]
issuer = "https://once.example.com"
audience = "{audience}"
jwks_url = "{keys}"
single_use_jti = true
token_types = ["at+jwt", "JWT"]
denied_keys = ["key-2"]
rules = [{{ claims = {{ groups = "viewers" }}, team = "{TEAM}", role = "viewer" }}]

[issuers.dark]
issuer = "https://dark.example.com"
audience = "{audience}"
jwks_url = "http://127.0.0.1:9/keys"
"#
    )
}

/// A world without workers, with all issuers.
pub async fn idle() -> TestApp {
    let simulator = simulate(SPEED).await;
    let builder = Builder {
        workers: 0,
        extra: issuers(&simulator),
        simulator: Some(simulator),
        ..Builder::default()
    };
    let app = builder.start().await;
    // The API fetches their keys when it begins; tests that break the issuer wait until it has.
    let until = Instant::now() + PATIENCE;
    let fetched = || {
        let arrivals = app.simulator.arrivals();
        arrivals.iter().filter(|a| a.call == Call::Jwks).count()
    };
    while fetched() < 4 {
        assert!(Instant::now() < until, "the keys are not fetched");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    app
}
