//! The floors of the house, read from its source: who imports whom, and what may be used where.
//!
//! A breach is named by file and line. Every kind of breach is fed to the reader below, so that a reader that no
//! longer sees anything fails too.

mod imports;

use imports::{Reader, Source};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// The rooms, ground first. A room imports only from floors below; rooms of one floor do not import each other.
const FLOORS: &[&[&str]] = &[
    &["domain", "clock", "metrics", "bearer", "throttle"],
    &["outbound", "telemetry"],
    &["databricks", "azure", "traces"],
    &["auth", "store", "queue", "cloud", "secrets"],
    &["provisioning"],
    &["http"],
    &["config"],
];

/// The roof puts everything together and sees everything.
const ROOF: &[&str] = &["app", "dev", "live", "cli", "lib", "main"];

/// Longest file.
const LINES: usize = 400;

/// Something that only some rooms may use.
struct Tool {
    /// As a breach calls it.
    name: &'static str,
    /// Whether a path, segment by segment, is a use of it.
    is: fn(&[&str]) -> bool,
    /// Who may.
    rooms: &'static [&'static str],
}

#[rustfmt::skip]
const TOOLS: &[Tool] = &[
    Tool { name: "SQL", is: is_sql, rooms: &["store", "queue", "app"] },
    Tool { name: "the HTTP client", is: |p| p[0] == "reqwest", rooms: &["outbound"] },
    Tool { name: "the AWS SDK", is: |p| p[0].starts_with("aws_"), rooms: &["secrets"] },
    Tool { name: "the Azure SDK", is: is_azure, rooms: &["azure", "secrets"] },
    Tool { name: "age", is: |p| p[0] == "age" && p.len() > 1, rooms: &["secrets"] },
    Tool { name: "DNS", is: |p| p[0].starts_with("hickory"), rooms: &["outbound"] },
    Tool { name: "the HTTP server", is: is_server, rooms: &["http", "app"] },
    Tool { name: "JWT signatures", is: |p| p[0] == "jsonwebtoken", rooms: &["auth"] },
    Tool { name: "the environment", is: is_environment, rooms: &["config", "cli", "main"] },
    Tool { name: "the time", is: is_time, rooms: &["clock"] },
    Tool { name: "the simulator", is: |p| p[0] == "simulator", rooms: &["dev"] },
    Tool { name: "anyhow", is: |p| p[0] == "anyhow", rooms: &["app", "dev", "cli", "main"] },
    Tool { name: "Prometheus", is: |p| p[0] == "prometheus_client", rooms: &["metrics"] },
    Tool { name: "the log's set-up", is: |p| p[0] == "tracing_subscriber", rooms: &["telemetry"] },
];

fn is_sql(path: &[&str]) -> bool {
    let whole = [
        "QueryBuilder",
        "AssertSqlSafe",
        "Executor",
        "prelude",
        "raw_sql",
        "migrate",
        "*",
    ];
    path[0] == "sqlx"
        && path
            .iter()
            .any(|s| s.starts_with("query") || whole.contains(s))
}

fn is_server(path: &[&str]) -> bool {
    [
        "axum",
        "axum_core",
        "tower_http",
        "utoipa_axum",
        "utoipa_swagger_ui",
    ]
    .contains(&path[0])
}

/// Not by what it begins with: modules of ours are called `azure_…` too.
fn is_azure(path: &[&str]) -> bool {
    [
        "azure_core",
        "azure_identity",
        "azure_security_keyvault_secrets",
    ]
    .contains(&path[0])
}

fn is_environment(path: &[&str]) -> bool {
    path.starts_with(&["std", "env"]) || path[0] == "figment"
}

fn is_time(path: &[&str]) -> bool {
    let [.., clock, "now"] = path else {
        return false;
    };
    ["SystemTime", "Utc", "Local"].contains(clock)
}

/// What is wrong, and where.
struct Breach {
    path: String,
    line: usize,
    words: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.words)
    }
}

fn floor(room: &str) -> Option<usize> {
    let roof = ROOF.contains(&room).then_some(FLOORS.len());
    FLOORS
        .iter()
        .position(|floor| floor.contains(&room))
        .or(roof)
}

/// Everything that is wrong with these files.
fn breaches(sources: &[Source]) -> Vec<Breach> {
    let mut found = Vec::new();
    let mut test_modules = BTreeSet::new();
    let mut read = Vec::new();
    for source in sources {
        let mut note = |line, words: String| {
            found.push(Breach {
                path: source.path.clone(),
                line,
                words,
            })
        };
        let file = match syn::parse_file(&source.text) {
            Ok(file) => file,
            Err(error) => {
                note(
                    error.span().start().line,
                    format!("cannot be read: {error}"),
                );
                continue;
            }
        };
        let lines = source.text.lines().count();
        if lines > LINES {
            note(
                LINES + 1,
                format!("{lines} lines; past {LINES}, split at a noun"),
            );
        }
        let here = if ROOF.contains(&source.module()[0].as_str()) {
            Vec::new()
        } else {
            source.module()
        };
        let mut reader = Reader::read(&file, here);
        test_modules.append(&mut reader.test_modules);
        read.push((source, reader.imports));
    }
    for (source, imports) in read {
        let module = source.module();
        let test_file = test_modules.iter().any(|tests| module.starts_with(tests));
        let room = module[0].as_str();
        let mut note = |line, words: String| {
            found.push(Breach {
                path: source.path.clone(),
                line,
                words,
            })
        };
        let story = source
            .text
            .lines()
            .take_while(|line| line.starts_with("//!"));
        if source.path.ends_with("/mod.rs")
            && !test_file
            && story.filter(|line| line.len() > 3).count() < 2
        {
            note(
                1,
                "begins without the story of its room: two lines of `//!` at least".to_owned(),
            );
        }
        let Some(own_floor) = floor(room) else {
            note(
                1,
                format!("room `{room}` has no floor: give it one in tests/it/floors/mod.rs"),
            );
            continue;
        };
        for import in imports {
            let path: Vec<&str> = import.path.iter().map(String::as_str).collect();
            let words = if import.inside {
                climbs(room, own_floor, &path)
            } else if import.test || test_file {
                None
            } else {
                let tool = TOOLS
                    .iter()
                    .find(|tool| (tool.is)(&path) && !tool.rooms.contains(&room));
                tool.map(|t| {
                    format!(
                        "`{room}` uses {} (`{}`): only {} may",
                        t.name,
                        path.join("::"),
                        t.rooms.join(", ")
                    )
                })
            };
            if let Some(words) = words {
                note(import.line, words);
            }
        }
    }
    found.sort_by(|a, b| (&a.path, a.line, &a.words).cmp(&(&b.path, b.line, &b.words)));
    found.dedup_by(|a, b| a.path == b.path && a.line == b.line && a.words == b.words);
    found
}

/// Whether an import from within the house leaves its floor upwards or sideways.
fn climbs(room: &str, own_floor: usize, path: &[&str]) -> Option<String> {
    let other = *path.first()?;
    if ROOF.contains(&room) || other == room {
        return None;
    }
    if other == "*" {
        return Some(format!("`{room}` imports the whole house"));
    }
    // What is no room is a macro or an item of the crate's root: only the roof has such things.
    let Some(floor) = floor(other) else {
        return Some(format!(
            "`{room}` imports `{other}`, which is no room with a floor"
        ));
    };
    (floor >= own_floor).then(|| {
        let how = if floor == own_floor {
            "on its own floor"
        } else {
            "from a floor above it"
        };
        format!("`{room}` imports `{other}` {how}")
    })
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("the source is there") {
        let path = entry.expect("the source can be listed").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_room_keeps_its_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    files(&root.join("src"), &mut paths);
    let sources = paths.iter().map(|path| Source {
        path: path
            .strip_prefix(root)
            .expect("below the root")
            .to_string_lossy()
            .replace('\\', "/"),
        text: std::fs::read_to_string(path).expect("the source is text"),
    });
    let sources: Vec<Source> = sources.collect();
    assert!(
        sources.iter().any(|s| s.path == "src/lib.rs"),
        "found only {} files",
        sources.len()
    );
    let breaches: Vec<String> = breaches(&sources).iter().map(Breach::to_string).collect();
    assert!(
        breaches.is_empty(),
        "{} breaches:\n{}",
        breaches.len(),
        breaches.join("\n")
    );
}

fn found_in(path: &str, text: &str) -> Vec<String> {
    let source = Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    breaches(&[source]).iter().map(Breach::to_string).collect()
}

#[test]
fn each_kind_of_breach_is_found() {
    let long = "\n".repeat(LINES + 1);
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str)] = &[
        // Upwards, sideways, and the many ways to say so.
        ("store/tokens.rs", "\nuse crate::http::Page;", ":2: `store` imports `http` from a floor above it"),
        ("store/tokens.rs", "use super::super::queue::Job;", ":1: `store` imports `queue` on its own floor"),
        ("store/mod.rs", "//! One\n//! Two\nuse super::auth;", ":3: `store` imports `auth` on its own floor"),
        ("cloud/aws.rs", "use crate::{domain::id, secrets};", ":1: `cloud` imports `secrets`"),
        ("clock.rs", "fn f() -> crate::domain::id::Id { }", ":1: `clock` imports `domain` on its own floor"),
        ("outbound.rs", "fn f() {\n x!(1, crate::http::f()) }", ":2: `outbound` imports `http`"),
        ("domain/id.rs", "#[derive(crate::store::Row)] struct S;", ":1: `domain` imports `store`"),
        ("http/page.rs", "mod tests { use super::super::super::app::App; }", ":1: `http` imports `app`"),
        ("auth/jwt.rs", "use crate::*;", ":1: `auth` imports the whole house"),
        ("auth/jwt.rs", "use crate::shared::x;", ":1: `auth` imports `shared`, which is no room"),
        ("shared/jwt.rs", "", ":1: room `shared` has no floor"),
        // What only some rooms may use.
        ("http/create.rs", "fn f() { sqlx::query!(\"select 1\"); }", "`http` uses SQL (`sqlx::query`)"),
        ("provisioning/plan.rs", "use sqlx::{PgPool, QueryBuilder};", "`provisioning` uses SQL"),
        ("provisioning/plan.rs", "use sqlx::Executor as _;", "`provisioning` uses SQL (`sqlx::Executor`)"),
        ("secrets/vault.rs", "use reqwest as http;", "`secrets` uses the HTTP client"),
        ("secrets/vault.rs", "extern crate reqwest;", "`secrets` uses the HTTP client"),
        ("cloud/aws.rs", "use aws_config::Region;", "`cloud` uses the AWS SDK (`aws_config::Region`)"),
        ("cloud/azure.rs", "use azure_core::http::Url;", "`cloud` uses the Azure SDK (`azure_core::http::Url`)"),
        ("config/secrets.rs", "use age::x25519;", "`config` uses age"),
        ("databricks/oauth.rs", "use hickory_resolver::Name;", "`databricks` uses DNS"),
        ("auth/mod.rs", "//! One\n//! Two\nuse axum::http::Request;", ":3: `auth` uses the HTTP server"),
        ("http/extract.rs", "use jsonwebtoken::decode;", "`http` uses JWT signatures"),
        ("telemetry.rs", "fn f() { std::env::var(\"X\"); }", "`telemetry` uses the environment"),
        ("telemetry.rs", "use std::{env, fmt};", "`telemetry` uses the environment (`std::env`)"),
        ("queue/lease.rs", "fn f() { chrono::Utc::now(); }", "`queue` uses the time"),
        ("queue/lease.rs", "fn f() { format!(\"{:?}\", SystemTime::now()); }", "`queue` uses the time"),
        ("app.rs", "use simulator::Simulator;", "`app` uses the simulator"),
        ("store/mod.rs", "//! One\n//! Two\nuse anyhow::Result;", ":3: `store` uses anyhow"),
        ("app.rs", "use tracing_subscriber::fmt;", "`app` uses the log's set-up"),
        // Files.
        ("store/mod.rs", "//! One line.\n\nmod x;", ":1: begins without the story of its room"),
        ("store/tokens.rs", &long, ":401: 401 lines; past 400, split at a noun"),
        ("store/tokens.rs", "fn {", ":1: cannot be read"),
    ];
    for (path, text, expected) in cases {
        let found = found_in(&format!("src/{path}"), text);
        assert_eq!(found.len(), 1, "{path}: {text:?} gave {found:?}");
        assert!(
            found[0].contains(expected),
            "{:?} does not say {expected:?}",
            found[0]
        );
    }
}

#[test]
fn what_is_allowed_passes() {
    #[rustfmt::skip]
    let cases: &[(&str, &str)] = &[
        ("http/create.rs", "use crate::{auth::Principal, domain::id, store, provisioning::request};\nuse axum::Json;"),
        ("store/tokens.rs", "use super::{Page, json};\nfn f() { sqlx::query_as::<_, X>(\"select 1\"); }"),
        ("provisioning/request.rs", "use sqlx::{PgPool, PgConnection};\nuse crate::queue::enqueue;"),
        ("clock.rs", "fn f() { chrono::Utc::now(); }"),
        ("config/mod.rs", "//! One\n//! Two\nuse crate::http::Settings;\nfn f() { std::env::vars(); }"),
        ("dev.rs", "use crate::app::App;\nuse simulator::Simulator;"),
        ("main.rs", "use brickyard::cli;\nfn main() -> anyhow::Result<()> { std::env::args(); }"),
        ("outbound.rs", "/// See [`crate::http`].\nfn f() { let x = \"crate::http\"; }"),
        // Tests may use any tool, but keep to their floor.
        ("auth/jwks.rs", "#[cfg(test)]\nmod tests { use super::*; use axum::Router; }"),
        ("auth/jwks.rs", "#[tokio::test] async fn f() { reqwest::get(\"x\"); }"),
    ];
    for (path, text) in cases {
        let found = found_in(&format!("src/{path}"), text);
        assert!(found.is_empty(), "{path}: {text:?} gave {found:?}");
    }
}

#[test]
fn a_module_of_tests_in_a_file_of_its_own_is_known_by_its_parent() {
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let child = source("src/outbound/tests.rs", "use axum::Router;");
    let declared = [
        source(
            "src/outbound/mod.rs",
            "//! One\n//! Two\n#[cfg(test)]\nmod tests;",
        ),
        child,
    ];
    assert!(breaches(&declared).is_empty());
    let child = source("src/outbound/tests.rs", "use axum::Router;");
    let shipped = [
        source("src/outbound/mod.rs", "//! One\n//! Two\nmod tests;"),
        child,
    ];
    assert_eq!(breaches(&shipped).len(), 1);
}
