//! Who may do what: every route, every role, every relation to the thing, as one table. And that another team's
//! things cannot be told from things that never were.

use crate::support::conformity::{self, Route};
use crate::support::{Answer, Builder, TestApp};
use brickyard::dev::TEAM;
use brickyard::domain::id::{OperationId, WorkspaceId};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// Who asks. The thing asked about is in team `data-platform` and belongs to [`Who::Owner`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Viewer,
    Owner,
    /// A requester of the same team.
    Colleague,
    Operator,
    Auditor,
    Admin,
    /// A requester of another team.
    Stranger,
    /// A viewer of this team who is a requester of the other.
    Both,
    /// A good token that no rule gives a role.
    Unmatched,
    /// A token with a broken signature.
    Forged,
    /// No token.
    Nobody,
}

const EVERYBODY: [Who; 11] = [
    Who::Viewer,
    Who::Owner,
    Who::Colleague,
    Who::Operator,
    Who::Auditor,
    Who::Admin,
    Who::Stranger,
    Who::Both,
    Who::Unmatched,
    Who::Forged,
    Who::Nobody,
];

/// The body of a request, and how its path names the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// No thing, no body.
    Plain,
    ById,
    ByName,
    /// Asks for a workspace in the team.
    InTeam,
    /// Asks for a workspace and leaves the team out.
    WithoutTeam,
}

type Row = (&'static str, &'static str, How, [u16; EVERYBODY.len()]);

/// The table. A reader may read, a requester may do what it likes with its own, an operator with everything of the
/// team; a stranger is told that there is nothing.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                                                          viewer owner colleague operator auditor admin stranger both unmatched forged nobody
    ("POST",   "/workspaces",                    How::InTeam,      [403, 202, 202,     202,     403,    202,  403,     403,  403,      401,   401]),
    ("POST",   "/workspaces",                    How::WithoutTeam, [403, 202, 202,     202,     403,    422,  202,     202,  403,      401,   401]),
    ("GET",    "/workspaces",                    How::Plain,       [200, 200, 200,     200,     200,    200,  200,     200,  403,      401,   401]),
    ("GET",    "/workspaces/{workspace}",        How::ById,        [200, 200, 200,     200,     200,    200,  404,     200,  404,      401,   401]),
    ("GET",    "/workspaces/{workspace}",        How::ByName,      [200, 200, 200,     200,     200,    200,  404,     200,  404,      401,   401]),
    ("DELETE", "/workspaces/{workspace}",        How::ById,        [403, 202, 403,     202,     403,    202,  404,     403,  404,      401,   401]),
    ("DELETE", "/workspaces/{workspace}",        How::ByName,      [403, 202, 403,     202,     403,    202,  404,     403,  404,      401,   401]),
    ("GET",    "/workspaces/{workspace}/tokens", How::ById,        [200, 200, 200,     200,     200,    200,  404,     200,  404,      401,   401]),
    ("GET",    "/workspaces/{workspace}/tokens", How::ByName,      [200, 200, 200,     200,     200,    200,  404,     200,  404,      401,   401]),
    ("GET",    "/operations",                    How::Plain,       [200, 200, 200,     200,     200,    200,  200,     200,  403,      401,   401]),
    ("GET",    "/operations/{operation}",        How::ById,        [200, 200, 200,     200,     200,    200,  404,     200,  403,      401,   401]),
    ("GET",    "/livez",                         How::Plain,       [200, 200, 200,     200,     200,    200,  200,     200,  200,      200,   200]),
    ("GET",    "/readyz",                        How::Plain,       [200, 200, 200,     200,     200,    200,  200,     200,  200,      200,   200]),
    ("GET",    "/version",                       How::Plain,       [200, 200, 200,     200,     200,    200,  200,     200,  200,      200,   200]),
    ("GET",    "/metrics",                       How::Plain,       [200, 200, 200,     200,     200,    200,  200,     200,  200,      200,   200]),
    ("GET",    "/problems",                      How::Plain,       [200, 200, 200,     200,     200,    200,  200,     200,  200,      200,   200]),
    ("GET",    "/problems/{code}",               How::Plain,       [200, 200, 200,     200,     200,    200,  200,     200,  200,      200,   200]),
    ("GET",    "/openapi.json",                  How::Plain,       [200, 200, 200,     200,     200,    200,  200,     200,  200,      200,   200]),
];

impl Who {
    fn authorization(self, app: &TestApp) -> Option<String> {
        let bearer = |subject: &str, groups: &[&str]| {
            let now = app.app.clock.now().timestamp();
            let claims = json!({"sub": subject, "groups": groups, "iat": now, "exp": now + 600});
            format!("Bearer {}", app.simulator.mint_jwt(claims))
        };
        let role = |role: &str| Some(app.bearer(role));
        match self {
            Self::Viewer => role("viewer"),
            Self::Owner => role("requester"),
            Self::Colleague => Some(bearer("colleague@example.com", &["requesters"])),
            Self::Operator => role("operator"),
            Self::Auditor => role("auditor"),
            Self::Admin => role("admin"),
            Self::Stranger => Some(bearer("stranger@example.com", &["other-requesters"])),
            Self::Both => Some(bearer("both@example.com", &["viewers", "other-requesters"])),
            Self::Unmatched => Some(bearer("guest@example.com", &["guests"])),
            Self::Forged => {
                let good = app.bearer("admin");
                let (head, signature) = good.rsplit_once('.').expect("a JWT");
                let turned: String = signature.chars().rev().collect();
                Some(format!("{head}.{turned}"))
            }
            Self::Nobody => None,
        }
    }

    async fn asks(self, app: &TestApp, method: &str, path: &str, body: Option<&Value>) -> Answer {
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

async fn idle() -> TestApp {
    let builder = Builder {
        workers: 0,
        ..Builder::default()
    };
    builder.start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_the_table() {
    let app = idle().await;
    let mut wrong = Vec::new();
    let mut number = 0;
    for (method, path, how, cells) in TABLE {
        for (who, expected) in EVERYBODY.iter().zip(cells) {
            number += 1;
            // A thing of its own for each cell: what one caller does must not decide what the next one is told.
            let name = format!("cell-{number}");
            let (mut path, mut body) = (path.replace("{code}", "name_taken"), None);
            match how {
                How::Plain => {}
                How::InTeam => {
                    body = Some(json!({"name": name, "template": "sandbox", "team": TEAM}));
                }
                How::WithoutTeam => body = Some(json!({"name": name, "template": "sandbox"})),
                How::ById | How::ByName => {
                    let operation = app.create(&name).await;
                    let id = operation["target"]["id"].as_str().expect("an id");
                    let workspace = if *how == How::ById { id } else { &name };
                    path = path
                        .replace("{workspace}", workspace)
                        .replace("{operation}", operation["id"].as_str().expect("an id"));
                }
            }
            let answer = who.asks(&app, method, &path, body.as_ref()).await;
            if answer.status != *expected {
                let told = format!("{} {}", answer.status, answer.text);
                wrong.push(format!(
                    "{method} {path} {how:?} by {who:?}: {expected} expected, got {told}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    app.abandon("nobody works here").await;
}

#[test]
fn every_route_of_the_document_has_a_row() {
    let documented: BTreeSet<Route> = conformity::routes().into_iter().collect();
    let rows: BTreeSet<Route> = TABLE
        .iter()
        .map(|(method, path, ..)| Route {
            method: (*method).into(),
            path: (*path).into(),
        })
        .collect();
    assert_eq!(rows, documented);
    for (method, path, how, cells) in TABLE {
        let route = Route {
            method: (*method).into(),
            path: (*path).into(),
        };
        let nobody = cells.last().expect("a cell");
        assert_eq!(route.is_public(), *nobody == 200, "{route:?}");
        assert_eq!(
            route.takes_an_id() && !route.is_public(),
            matches!(how, How::ById | How::ByName),
            "{route:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_request_for_one_team_need_not_name_it() {
    let app = idle().await;
    let body = json!({"name": "guessed", "template": "sandbox"});
    for (who, team) in [
        (Who::Owner, TEAM),
        (Who::Stranger, "other-team"),
        (Who::Operator, TEAM),
    ] {
        let body = json!({"name": format!("{who:?}").to_lowercase(), "template": "sandbox"});
        let accepted = who.asks(&app, "POST", "/workspaces", Some(&body)).await;
        assert_eq!(accepted.body["team"], team, "{who:?}: {}", accepted.text);
    }
    let refused = Who::Admin
        .asks(&app, "POST", "/workspaces", Some(&body))
        .await;
    assert_eq!(refused.body["code"], "team_required");
    assert_eq!(refused.body["errors"][0]["pointer"], "/team");
    app.abandon("nobody works here").await;
}

/// An answer without what is different in any two exchanges.
fn told(answer: &Answer) -> (u16, Value, HashMap<String, String>) {
    let (mut body, mut headers) = (answer.body.clone(), answer.headers.clone());
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
        members.remove("instance");
    }
    for changing in ["x-request-id", "date"] {
        headers.remove(changing);
    }
    (answer.status, body, headers)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_teams_things_look_like_things_that_never_were() {
    let app = idle().await;
    let operation = app.create("hidden-thing").await;
    let theirs = |text: &str| {
        text.replace("{operation}", operation["id"].as_str().expect("an id"))
            .replace(
                "{workspace}",
                operation["target"]["id"].as_str().expect("an id"),
            )
    };
    let nothing = |text: &str| {
        text.replace("{operation}", &OperationId::new().to_string())
            .replace("{workspace}", &WorkspaceId::new().to_string())
    };
    let mut pairs = Vec::new();
    for route in conformity::routes()
        .into_iter()
        .filter(|route| route.takes_an_id() && !route.is_public())
    {
        let path = &route.path;
        pairs.push((route.method.clone(), theirs(path), nothing(path)));
        if path.contains("{workspace}") {
            let named = |name: &str| path.replace("{workspace}", name);
            pairs.push((
                route.method.clone(),
                named("hidden-thing"),
                named("absent-thing"),
            ));
            let in_team = |team: &str| format!("{}?team={team}", named("hidden-thing"));
            pairs.push((
                route.method.clone(),
                in_team(TEAM),
                in_team("nowhere-team1"),
            ));
        }
    }
    assert_eq!(pairs.len(), 10, "{pairs:?}");
    for (method, theirs, nothing) in &pairs {
        for who in [Who::Stranger, Who::Unmatched] {
            let there = who.asks(&app, method, theirs, None).await;
            let absent = who.asks(&app, method, nothing, None).await;
            assert!(
                matches!(there.status, 403 | 404),
                "{who:?} {method} {theirs}: {}",
                there.text
            );
            assert_eq!(told(&there), told(&absent), "{who:?} {method} {theirs}");
            assert!(
                !there.text.contains(TEAM),
                "the team is named: {}",
                there.text
            );
        }
        // The same questions are answered to those who may know.
        let known = Who::Admin.asks(&app, method, theirs, None).await;
        assert!(known.status < 300, "{method} {theirs}: {}", known.text);
    }
    let of = |team: &str| json!({"name": "intruder", "template": "sandbox", "team": team});
    let there = Who::Stranger
        .asks(&app, "POST", "/workspaces", Some(&of(TEAM)))
        .await;
    let absent = Who::Stranger
        .asks(&app, "POST", "/workspaces", Some(&of("nowhere-team1")))
        .await;
    assert_eq!(there.text.len(), absent.text.len());
    assert_eq!(
        there.body["detail"]
            .as_str()
            .map(|t| t.replace(TEAM, "nowhere-team1"))
            .as_deref(),
        absent.body["detail"].as_str()
    );
    // A name that another team uses is free.
    let free = json!({"name": "hidden-thing", "template": "sandbox"});
    assert_eq!(
        Who::Stranger
            .asks(&app, "POST", "/workspaces", Some(&free))
            .await
            .status,
        202
    );
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_refused_tokens_get_one_answer() {
    let app = idle().await;
    let now = app.app.clock.now().timestamp();
    let jwt = |claims: Value| format!("Bearer {}", app.simulator.mint_jwt(claims));
    let refused = [
        None,
        Some(String::new()),
        Some("Bearer".into()),
        Some("Bearer x.y.z".into()),
        Some("Basic YWRtaW46YWRtaW4=".into()),
        Who::Forged.authorization(&app),
        Some(jwt(
            json!({"sub": "a", "groups": ["admins"], "iat": now - 7200, "exp": now - 3600}),
        )),
        Some(jwt(
            json!({"sub": "a", "groups": ["admins"], "iat": now, "exp": now + 600, "aud": "others"}),
        )),
        Some(jwt(
            json!({"sub": "a", "groups": ["admins"], "iat": now, "exp": now + 600, "iss": "https://elsewhere.example.com"}),
        )),
    ];
    let mut answers = Vec::new();
    for authorization in &refused {
        let headers: Vec<_> = authorization
            .as_deref()
            .map(|v| ("authorization", v))
            .into_iter()
            .collect();
        let answer = app.send("GET", "/workspaces", &headers, None).await;
        assert_eq!(answer.status, 401, "{authorization:?}: {}", answer.text);
        answers.push(told(&answer));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn which_team_and_which_workspace() {
    let app = idle().await;
    let bearer = format!("Bearer {}", app.token("admin"));
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let post = async |body: Value| {
        app.send("POST", "/workspaces", &headers, Some(&body.to_string()))
            .await
    };
    let missing = post(json!({"name": "analytics-dev", "template": "sandbox"})).await;
    assert_eq!(
        (missing.status, missing.body["code"].as_str()),
        (422, Some("team_required"))
    );
    for team in [TEAM, "other-team"] {
        let answer =
            post(json!({"name": "analytics-dev", "template": "sandbox", "team": team})).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    let ambiguous = app.get("/workspaces/analytics-dev").await;
    assert_eq!(
        (ambiguous.status, ambiguous.body["code"].as_str()),
        (409, Some("ambiguous_name"))
    );
    assert_eq!(ambiguous.body["ids"].as_array().expect("ids").len(), 2);
    let one = app.get("/workspaces/analytics-dev?team=other-team").await;
    assert_eq!(one.body["team"], "other-team");
    let unknown = post(json!({"name": "abc", "template": "sandbx", "team": TEAM})).await;
    assert_eq!(unknown.body["errors"][0]["pointer"], "/template");
    assert!(
        unknown.body["hint"]
            .as_str()
            .expect("a hint")
            .contains("`sandbox`"),
        "{}",
        unknown.text
    );
    app.abandon("nobody works here").await;
}
