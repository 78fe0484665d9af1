//! Lists: pages that neither lose nor repeat, filters that mean what they say, and teams that do not see each other.

mod filters;

use crate::support::{Builder, TestApp};
use brickyard::dev::{self, TEAM};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A world in which nobody works, with a second template.
async fn idle() -> TestApp {
    let extra = format!(
        "[templates.other]\naccount = \"main\"\nregion = \"eu-west-1\"\nsecret_store = \"main\"\nsecret_path = \"o/{{team}}/{{name}}\"\n{}",
        dev::OBJECTS
    );
    let builder = Builder {
        workers: 0,
        extra,
        ..Builder::default()
    };
    builder.start().await
}

async fn request(app: &TestApp, bearer: &str, body: Value) -> Value {
    let headers = [
        ("authorization", bearer),
        ("content-type", "application/json"),
    ];
    let answer = app
        .send("POST", "/workspaces", &headers, Some(&body.to_string()))
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.body
}

fn names(page: &Value) -> Vec<String> {
    let name = |item: &Value| {
        item["name"]
            .as_str()
            .or(item["target"]["name"].as_str())
            .expect("a name")
            .to_owned()
    };
    page["items"]
        .as_array()
        .unwrap_or_else(|| panic!("{page:#}"))
        .iter()
        .map(name)
        .collect()
}

/// Follows `Link` from page to page; the names of each page.
async fn pages(app: &TestApp, first: &str) -> Vec<Vec<String>> {
    let (mut target, mut pages) = (first.to_owned(), Vec::new());
    loop {
        let page = app.get(&target).await;
        assert_eq!(page.status, 200, "{target}: {}", page.text);
        pages.push(names(&page.body));
        assert!(pages.len() < 100, "no end");
        let Some(cursor) = page.body["next_cursor"].as_str() else {
            assert!(
                !page.headers.contains_key("link"),
                "the last page leads nowhere"
            );
            return pages;
        };
        let link = &page.headers["link"];
        let next = link
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix(">; rel=\"next\""))
            .expect("a link");
        assert!(next.contains(&format!("cursor={cursor}")), "{next}");
        target = next.to_owned();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_neither_lose_nor_repeat() {
    let app = idle().await;
    let all: Vec<String> = (0..25).map(|n| format!("paged-{n:02}")).collect();
    for name in &all {
        app.create(name).await;
    }
    let newest: Vec<String> = all.iter().rev().cloned().collect();
    for list in ["/workspaces", "/operations"] {
        for limit in [1, 7, 24, 25, 26, 200, 1000] {
            for (order, expected) in [("asc", &all), ("desc", &newest), ("", &newest)] {
                let order = if order.is_empty() {
                    String::new()
                } else {
                    format!("&order={order}")
                };
                let pages = pages(&app, &format!("{list}?limit={limit}{order}")).await;
                let full = usize::min(limit, 25);
                assert_eq!(pages.len(), 25_usize.div_ceil(limit), "{list} {limit}");
                assert!(
                    pages[..pages.len() - 1]
                        .iter()
                        .all(|page| page.len() == full),
                    "{list} {limit}"
                );
                assert_eq!(&pages.concat(), expected, "{list} {limit} {order}");
            }
        }
        assert_eq!(
            pages(&app, list).await.concat(),
            newest,
            "50 fit on a page unless it says otherwise"
        );
        for limit in ["0", "-1", "x", ""] {
            let answer = app.get(&format!("{list}?limit={limit}")).await;
            assert_eq!(
                (answer.status, answer.body["code"].as_str()),
                (400, Some("invalid_parameter")),
                "{limit}"
            );
        }
    }
    // 201 rows, and nobody gets more than 200 of them at once.
    sqlx::query(
        "insert into workspaces (id, name, team, owner, account, cloud, region, template, spec, phase, deletion_protection, last_operation)
         select gen_random_uuid(), name || '-' || n, team, owner, account, cloud, region, template, spec, phase,
                deletion_protection, last_operation
           from workspaces, generate_series(1, 8) n limit 176",
    )
    .execute(&app.db)
    .await
    .expect("they can be copied");
    for limit in ["200", "201", "1000", "99999999999999999999999"] {
        let page = app.get(&format!("/workspaces?limit={limit}")).await;
        assert_eq!(names(&page.body).len(), 200, "{limit}");
        assert!(page.body["next_cursor"].is_string());
    }
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_inserted_meanwhile_disturbs_no_page() {
    let app = idle().await;
    for n in 0..9 {
        app.create(&format!("old-{n}")).await;
    }
    for order in ["asc", "desc"] {
        let mut target = format!("/workspaces?limit=2&name_prefix=old&order={order}");
        let mut seen = Vec::new();
        for n in 0.. {
            let page = app.get(&target).await;
            seen.extend(names(&page.body));
            app.create(&format!("new-{order}-{n}")).await;
            let Some(cursor) = page.body["next_cursor"].as_str() else {
                break;
            };
            target = format!("/workspaces?limit=2&name_prefix=old&order={order}&cursor={cursor}");
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (9, 9), "{order}: {seen:?}");
    }
    // Newest first, a later one does not come back on a later page; oldest first, it comes at the end.
    let first = app.get("/workspaces?limit=5").await.body;
    app.create("latest").await;
    let cursor = first["next_cursor"].as_str().expect("more");
    let rest = names(
        &app.get(&format!("/workspaces?limit=200&cursor={cursor}"))
            .await
            .body,
    );
    assert!(!rest.contains(&"latest".to_owned()));
    assert_eq!(
        pages(&app, "/workspaces?limit=5&order=asc")
            .await
            .concat()
            .last()
            .expect("some"),
        "latest"
    );
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_see_their_own() {
    let app = idle().await;
    app.create("ours").await;
    let stranger = app.bearer("other-requester");
    request(
        &app,
        &stranger,
        json!({"name": "theirs", "template": "sandbox"}),
    )
    .await;
    let seen = async |role: &str, target: &str| {
        let bearer = app.bearer(role);
        let page = app
            .send("GET", target, &[("authorization", &bearer)], None)
            .await;
        names(&page.body)
    };
    for list in ["/workspaces", "/operations"] {
        assert_eq!(seen("viewer", list).await, ["ours"]);
        assert_eq!(seen("other-requester", list).await, ["theirs"]);
        for all in ["auditor", "admin"] {
            assert_eq!(seen(all, list).await, ["theirs", "ours"]);
        }
    }
    // Asking for them does not make them visible.
    let ours = app.get("/workspaces/ours").await.body;
    for query in [
        format!("/workspaces?team={TEAM}"),
        format!("/workspaces?team={TEAM},nowhere"),
        "/workspaces?name_prefix=ours".into(),
        format!(
            "/workspaces?owner={}",
            ours["owner"].as_str().expect("an owner")
        ),
        format!(
            "/operations?workspace={}",
            ours["id"].as_str().expect("an id")
        ),
        format!(
            "/operations?requested_by={}",
            ours["owner"].as_str().expect("an owner")
        ),
    ] {
        assert_eq!(
            seen("other-requester", &query).await,
            Vec::<String>::new(),
            "{query}"
        );
        assert_eq!(seen("viewer", &query).await, ["ours"], "{query}");
    }
    // A page's cursor is a place in a list, not a key to it.
    app.create("ours-too").await;
    let page = app.get("/workspaces?limit=1").await.body;
    let cursor = page["next_cursor"].as_str().expect("more");
    assert_eq!(
        seen(
            "other-requester",
            &format!("/workspaces?limit=5&cursor={cursor}")
        )
        .await,
        ["theirs"]
    );
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deleted_are_left_out_unless_asked_for() {
    let mut app = idle().await;
    let create = app.create("gone").await;
    app.create("kept").await;
    let delete = app.delete("/workspaces/gone").await.body;
    app.start_worker();
    assert_eq!(app.done(&delete).await["status"], "succeeded");
    app.phase(&create, "deleted").await;
    assert_eq!(pages(&app, "/workspaces").await.concat(), ["kept"]);
    assert_eq!(
        pages(&app, "/workspaces?phase=deleted").await.concat(),
        ["gone"]
    );
    assert_eq!(
        pages(
            &app,
            "/workspaces?phase=deleted,ready,provisioning,pending&order=asc"
        )
        .await
        .concat(),
        ["gone", "kept"]
    );
    assert_eq!(
        pages(&app, "/workspaces?name_prefix=gone").await.concat(),
        Vec::<String>::new()
    );
    app.finish().await;
}
