//! Every route × every caller, each cell asserted. What a caller is told depends on the route's action and on what it is
//! done to, so that is what the table is keyed by; a route only says how it is asked and what it answers when it may.

use super::who::{Who, idle};
use crate::support::TestApp;
use crate::support::conformity::{self, Route};
use brickyard::dev::TEAM;
use serde_json::{Value, json};
use std::collections::BTreeSet;

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
    /// Has a workspace in the team, of a name that is new.
    NewByName,
    /// Has a workspace that is there, as it was asked for.
    SameById,
    SameByName,
    /// Changes labels.
    LabelsById,
    LabelsByName,
    /// Gives the workspace away.
    OwnerById,
}

/// Every route, and its answer to those who may. A new one needs a line here, and if its action is new, one below.
#[rustfmt::skip]
const ROUTES: &[(&str, &str, How, u16)] = &[
    ("POST",   "/workspaces",                    How::InTeam,      202),
    ("POST",   "/workspaces",                    How::WithoutTeam, 202),
    ("GET",    "/workspaces",                    How::Plain,       200),
    ("GET",    "/workspaces/{workspace}",        How::ById,        200),
    ("GET",    "/workspaces/{workspace}",        How::ByName,      200),
    ("PUT",    "/workspaces/{workspace}",        How::NewByName,   202),
    ("PUT",    "/workspaces/{workspace}",        How::SameById,    202),
    ("PUT",    "/workspaces/{workspace}",        How::SameByName,  202),
    ("PATCH",  "/workspaces/{workspace}",        How::LabelsById,  200),
    ("PATCH",  "/workspaces/{workspace}",        How::LabelsByName, 200),
    ("PATCH",  "/workspaces/{workspace}",        How::OwnerById,   200),
    ("DELETE", "/workspaces/{workspace}",        How::ById,        202),
    ("DELETE", "/workspaces/{workspace}",        How::ByName,      202),
    ("GET",    "/workspaces/{workspace}/tokens", How::ById,        200),
    ("GET",    "/workspaces/{workspace}/tokens", How::ByName,      200),
    ("GET",    "/operations",                    How::Plain,       200),
    ("GET",    "/operations/{operation}",        How::ById,        200),
    ("POST",   "/operations/{operation}/cancel", How::ById,        202),
    // It goes on by itself: whoever may retry it is told so.
    ("POST",   "/operations/{operation}/retry",  How::ById,        409),
    ("GET",    "/templates",                     How::Plain,       200),
    ("GET",    "/templates/{template}",          How::Plain,       200),
    ("GET",    "/templates/{template}/schema",   How::Plain,       200),
    ("GET",    "/whoami",                        How::Plain,       200),
    ("GET",    "/livez",                         How::Plain,       200),
    ("GET",    "/readyz",                        How::Plain,       200),
    ("GET",    "/version",                       How::Plain,       200),
    ("GET",    "/metrics",                       How::Plain,       200),
    ("GET",    "/problems",                      How::Plain,       200),
    ("GET",    "/problems/{code}",               How::Plain,       200),
    ("GET",    "/openapi.json",                  How::Plain,       200),
];

/// What an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    /// No one thing: a list, oneself, or what is nobody's.
    All,
    /// A thing of the team, which belongs to [`Who::Owner`].
    Thing,
    /// The team.
    Team,
    /// No team is named.
    NoTeam,
    /// A thing of the team, and the team is named.
    ThingOfTeam,
    /// A thing of the team, which is to belong to somebody else.
    Gift,
}

impl To {
    fn is_a_thing(self) -> bool {
        matches!(self, Self::Thing | Self::ThingOfTeam | Self::Gift)
    }
}

/// What each caller is told: `+` the route's own answer, `-` 403, `.` 404, `?` 422, `!` 401. A reader may read, a
/// requester may do what it likes with its own, an operator with everything of the team; to a stranger there is nothing.
#[rustfmt::skip]
const TABLE: &[(&str, To, &str)] = &[
    //                                                              the team           another team                             CI
    //                                                              viewer             viewer                                   job
    //                                                              | owner            | requester  auditor  both teams         | another    expired
    //                                                              | | colleague      | | operator | admin  |   no role        | | pull req | denied
    //                                                              | | | operator     | | |        | |      |   |              | | |        | | forged
    //                                                              | | | |            | | |        | |      |   |              | | |        | | | nobody
    ("ReadOneself",     To::All,    "+ + + +            + + +        + +      +   +              + + +        ! ! ! !"),
    ("CreateWorkspace", To::Team,   "- + + +            - - -        - +      -   -              + - -        ! ! ! !"),
    ("CreateWorkspace", To::NoTeam, "- + + +            - + +        - ?      +   -              + - -        ! ! ! !"),
    ("ListWorkspaces",  To::All,    "+ + + +            + + +        + +      +   -              + - -        ! ! ! !"),
    ("ReadTemplates",   To::All,    "+ + + +            + + +        + +      +   -              + - -        ! ! ! !"),
    ("ReadWorkspace",   To::Thing,  "+ + + +            . . .        + +      +   .              + . .        ! ! ! !"),
    // PUT makes, or changes what is there.
    ("CreateWorkspace", To::Thing,  "- + - +            . . .        - +      -   .              - . .        ! ! ! !"),
    ("CreateWorkspace", To::ThingOfTeam, "- + - +       - - -        - +      -   -              - - -        ! ! ! !"),
    ("UpdateWorkspace", To::Thing,  "- + - +            . . .        - +      -   .              - . .        ! ! ! !"),
    ("UpdateWorkspace", To::Gift,   "- - - +            . . .        - +      -   .              - . .        ! ! ! !"),
    ("DeleteWorkspace", To::Thing,  "- + - +            . . .        - +      -   .              - . .        ! ! ! !"),
    ("RepairWorkspace", To::Thing,  "- + - +            . . .        - +      -   .              - . .        ! ! ! !"),
    ("ReadTokens",      To::Thing,  "+ + + +            . . .        + +      +   .              + . .        ! ! ! !"),
    ("ReadOperations",  To::All,    "+ + + +            + + +        + +      +   -              + - -        ! ! ! !"),
    ("ReadOperations",  To::Thing,  "+ + + +            . . .        + +      +   .              + . .        ! ! ! !"),
];

impl How {
    fn to(self) -> To {
        match self {
            Self::Plain => To::All,
            Self::ById | Self::ByName | Self::SameById | Self::LabelsById | Self::LabelsByName => {
                To::Thing
            }
            Self::SameByName => To::ThingOfTeam,
            Self::OwnerById => To::Gift,
            Self::InTeam | Self::NewByName => To::Team,
            Self::WithoutTeam => To::NoTeam,
        }
    }

    fn by_id(self) -> bool {
        matches!(
            self,
            Self::ById | Self::SameById | Self::LabelsById | Self::OwnerById
        )
    }

    /// What is sent, if anything, about a thing of that name.
    fn body(self, name: &str) -> Option<Value> {
        Some(match self {
            Self::Plain | Self::ById | Self::ByName => return None,
            Self::InTeam => json!({"name": name, "template": "sandbox", "team": TEAM}),
            Self::WithoutTeam => json!({"name": name, "template": "sandbox"}),
            Self::NewByName | Self::SameById | Self::SameByName => {
                json!({"template": "sandbox", "team": TEAM})
            }
            Self::LabelsById | Self::LabelsByName => json!({"labels": {"seen-by": "the table"}}),
            Self::OwnerById => json!({"owner": "oidc:corp:heir@example.com"}),
        })
    }
}

fn route(method: &str, path: &str) -> Route {
    Route {
        method: method.to_owned(),
        path: path.to_owned(),
    }
}

/// The statuses of a route's cells, in the order of [`Who::ALL`].
fn cells(route: &Route, to: To, good: u16) -> Vec<u16> {
    if route.is_public() {
        return vec![good; Who::ALL.len()];
    }
    let action = route.described()["x-action"].as_str().expect("an action");
    let mut rows = TABLE
        .iter()
        .filter(|(name, target, _)| *name == action && *target == to);
    let (Some((.., row)), None) = (rows.next(), rows.next()) else {
        panic!("{action} to {to:?} needs one row in the table, for {route:?}");
    };
    let status = |cell: char| match cell {
        '+' => good,
        '-' => 403,
        '.' => 404,
        '?' => 422,
        '!' => 401,
        other => panic!("{other} in the table"),
    };
    row.split_whitespace()
        .map(|cell| status(cell.chars().next().expect("a cell")))
        .collect()
}

/// A thing of [`Who::Owner`]: how the path names it.
async fn thing(app: &TestApp, how: How, path: &str, name: &str) -> String {
    let operation = app.create(name).await;
    let id = operation["target"]["id"].as_str().expect("an id");
    let workspace = if how.by_id() { id } else { name };
    path.replace("{workspace}", workspace)
        .replace("{operation}", operation["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_the_table() {
    let app = idle().await;
    let (mut wrong, mut number) = (Vec::new(), 0);
    for (method, path, how, good) in ROUTES {
        let to = how.to();
        let expected = cells(&route(method, path), to, *good);
        assert_eq!(expected.len(), Who::ALL.len(), "{method} {path}");
        let mut target = path
            .replace("{code}", "name_taken")
            .replace("{template}", "sandbox");
        for (who, expected) in Who::ALL.into_iter().zip(expected) {
            number += 1;
            let name = format!("cell-{number}");
            // What one caller does must not decide what the next one is told; only readers share a thing.
            if to.is_a_thing() && (*method != "GET" || who == Who::Viewer) {
                target = thing(&app, *how, path, &name).await;
            }
            if *how == How::NewByName {
                target = path.replace("{workspace}", &name);
            }
            let body = how.body(&name);
            let answer = who.asks(&app, method, &target, body.as_ref()).await;
            if answer.status != expected {
                let told = format!("{} {}", answer.status, answer.text);
                wrong.push(format!(
                    "{method} {path} {how:?} by {who:?}: {expected} expected, got {told}"
                ));
            }
            if answer.status == 403 {
                assert_names_a_role(&answer.body, method);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{number} cells");
    app.abandon("nobody works here").await;
}

/// Whoever is refused is told which role would do.
fn assert_names_a_role(problem: &Value, method: &str) {
    let detail = problem["detail"].as_str().expect("a detail");
    let roles: &[&str] = match method {
        "GET" => &["`viewer`"],
        _ => &["`requester`", "`operator`"],
    };
    assert!(roles.iter().any(|role| detail.contains(role)), "{detail}");
}

#[test]
fn every_route_of_the_document_has_a_row() {
    let documented: BTreeSet<Route> = conformity::routes().into_iter().collect();
    let listed = ROUTES.iter().map(|(method, path, ..)| route(method, path));
    assert_eq!(listed.collect::<BTreeSet<Route>>(), documented);
    let mut used = BTreeSet::new();
    for (method, path, how, good) in ROUTES {
        let route = route(method, path);
        let thing = route.names_a_teams() && *how != How::NewByName;
        assert_eq!(thing, how.to().is_a_thing(), "{route:?}");
        assert_eq!(
            cells(&route, how.to(), *good).len(),
            Who::ALL.len(),
            "{route:?}"
        );
        if !route.is_public() {
            used.insert(format!("{} {:?}", route.described()["x-action"], how.to()));
        }
    }
    assert_eq!(used.len(), TABLE.len(), "a row of the table has no route");
}
