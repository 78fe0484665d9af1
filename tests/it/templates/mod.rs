//! Templates: what they show, what they leave to requests, and what of it is stored.

mod bodies;

use crate::support::conformity::counts;
use crate::support::{Answer, Builder, TestApp};
use bodies::{bodies, but, good};
use serde_json::{Value, json};

/// Members of `sandbox`, and two more templates.
const SANDBOX: &str = r#"
role_arn = "arn:aws:iam::111122223333:role/databricks-cross-account"
bucket_name = "acme-databricks-root"
keep_failed_seconds = 0
deletion_protection = false
"#;

const MORE: &str = r#"
[templates."sandbox@2"]
account = "main"
secret_store = "main"
bucket_name = "acme-databricks-root"
keep_failed_seconds = 0
deletion_protection = false
description = "The second."
tags = { managed-by = "platform" }
required_tags = { cost-center = "^[0-9]{4}$", purpose = "" }
name_pattern = "^(dev|test)-"

[templates."sandbox@2".parameters]
region = { enum = ["us-west-2", "eu-central-1"] }
tier = {}
token_lifetime_seconds = { maximum = 2592000 }
role_arn = { pattern = "^arn:aws:iam::111122223333:role/" }
vpc_id = { enum = ["vpc-12345678"] }
subnet_ids = { items = { pattern = "^subnet-" } }
security_group_ids = { items = { pattern = "^sg-" } }

[templates.light]
account = "main"
secret_store = "main"
compute_mode = "serverless"
region = "us-west-2"
"#;

async fn start(workers: usize) -> TestApp {
    let builder = Builder {
        workers,
        template: SANDBOX.to_owned(),
        extra: MORE.to_owned(),
        ..Builder::default()
    };
    builder.start().await
}

fn pointers(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"].as_array().expect("errors");
    let mut pointers: Vec<&str> = errors
        .iter()
        .map(|error| error["pointer"].as_str().expect("a pointer"))
        .collect();
    pointers.sort_unstable();
    pointers
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_asked_for_is_shown() {
    let app = start(0).await;
    let list = app.get("/templates").await;
    let items = list.body["items"].as_array().expect("items");
    let shown: Vec<(&str, &str)> = items
        .iter()
        .map(|it| {
            (
                it["name"].as_str().unwrap_or(""),
                it["reference"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(shown, [("light", "light@1"), ("sandbox", "sandbox@2")]);
    assert_eq!(list.body["next_cursor"], Value::Null);
    assert_eq!(app.get("/templates?limit=1").await.status, 400);

    let newest = app.get("/templates/sandbox").await;
    assert_eq!(newest.body, items[1]);
    assert_eq!(newest.body, app.get("/templates/sandbox@2").await.body);
    for (pointer, value) in [
        ("/version", json!(2)),
        ("/versions", json!([1, 2])),
        ("/description", json!("The second.")),
        ("/account", json!("main")),
        ("/cloud", json!("aws")),
        ("/compute_mode", json!("classic")),
        ("/region", Value::Null),
        ("/name_pattern", json!("^(dev|test)-")),
        (
            "/required_tags",
            json!({"cost-center": "^[0-9]{4}$", "purpose": ""}),
        ),
        ("/tags", json!({"managed-by": "platform"})),
        ("/token_lifetime_seconds", json!(2_592_000)),
        ("/parameters/required", json!(["region", "role_arn"])),
        ("/parameters/additionalProperties", json!(false)),
        (
            "/parameters/properties/region/enum",
            json!(["us-west-2", "eu-central-1"]),
        ),
        (
            "/parameters/properties/token_lifetime_seconds/default",
            json!(2_592_000),
        ),
        ("/href", json!("/templates/sandbox@2")),
        ("/schema_href", json!("/templates/sandbox@2/schema")),
    ] {
        assert_eq!(newest.body.pointer(pointer), Some(&value), "{pointer}");
    }
    let first = app.get("/templates/sandbox@1").await;
    assert_eq!(
        (&first.body["version"], &first.body["region"]),
        (&json!(1), &json!("us-west-2"))
    );
    // What a template is made of is nobody's business.
    for text in [
        &list.text,
        &first.text,
        &app.get("/templates/sandbox@1/schema").await.text,
    ] {
        assert!(
            !text.contains("acme-databricks-root")
                && !text.contains("arn:aws:iam::111122223333:role/databricks"),
            "{text}"
        );
    }
    for absent in [
        "sandbox@3",
        "sandbx",
        "sandbox@01",
        "sandbox@",
        "Sandbox",
        "%00",
    ] {
        for path in [
            format!("/templates/{absent}"),
            format!("/templates/{absent}/schema"),
        ] {
            assert_eq!(app.get(&path).await.status, 404, "{path}");
        }
    }
    let hint = app.get("/templates/sandbx").await.body["hint"].clone();
    assert_eq!(hint, "The templates are `light`, `sandbox`.");
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_chose_is_made_and_stored() {
    let app = start(1).await;
    let accepted = app.post("/workspaces", &good()).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    assert_eq!(app.done(&accepted.body).await["status"], "succeeded");
    let workspace = app.workspace_of(&accepted.body).await;
    let spec = &workspace["spec"];
    assert_eq!(spec["template"], "sandbox@2");
    assert_eq!(spec["region"], "eu-central-1");
    assert_eq!(spec["parameters"], good()["parameters"]);
    assert_eq!(
        spec["tags"],
        json!({"cost-center": "4711", "purpose": "trying", "managed-by": "platform"})
    );
    let inventory = serde_json::to_value(app.simulator.inventory()).expect("JSON");
    assert!(
        inventory
            .to_string()
            .contains("arn:aws:iam::111122223333:role/analytics"),
        "{inventory}"
    );
    let region: String = sqlx::query_scalar("select region from workspaces")
        .fetch_one(&app.db)
        .await
        .expect("a row");
    assert_eq!(region, "eu-central-1");
    let lifetime: String =
        sqlx::query_scalar("select spec -> 'token' ->> 'lifetime_seconds' from workspaces")
            .fetch_one(&app.db)
            .await
            .expect("a row");
    assert_eq!(lifetime, "3600");
    // Its token is the one that was asked for.
    let tokens = app.get("/workspaces/dev-one/tokens").await;
    let token = &tokens.body["items"][0];
    let time = |member: &str| {
        let text = token[member].as_str().expect("a time");
        chrono::DateTime::parse_from_rfc3339(text).expect("a time")
    };
    let lives = time("expires_at") - time("created_at");
    assert!((3500..=3700).contains(&lives.num_seconds()), "{lives}");

    // A version that is named is taken, with what it had: no choice.
    let first = json!({"name": "by-version", "template": "sandbox@1"});
    let first = app.post("/workspaces", &first).await;
    assert_eq!(
        app.workspace_of(&first.body).await["spec"]["template"],
        "sandbox@1"
    );
    let names = async |query: &str| {
        let list = app.get(&format!("/workspaces?template={query}")).await;
        let items = list.body["items"].as_array().expect("items").clone();
        let mut names: Vec<String> = items.iter().map(|it| it["name"].to_string()).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(names("sandbox").await, "\"by-version\" \"dev-one\"");
    assert_eq!(names("sandbox@1").await, "\"by-version\"");
    assert_eq!(
        names("sandbox@1,sandbox@2").await,
        "\"by-version\" \"dev-one\""
    );
    assert_eq!(names("light").await, "");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_does_not_fit_is_told_at_once() {
    let app = start(0).await;
    let before = counts(&app).await;
    let mut refused = 0;
    for (body, expected) in bodies().into_iter().filter(|(_, wrong)| !wrong.is_empty()) {
        let answer = app.post("/workspaces", &body).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
        let mut told = pointers(&answer);
        told.dedup();
        let mut expected = expected;
        expected.dedup();
        assert_eq!(told, expected, "{body}: {}", answer.text);
        refused += 1;
    }
    assert!(refused > 10);
    // Rules that no schema says.
    for (change, pointer) in [
        (
            (
                "/parameters/role_arn",
                json!("arn:aws:iam::111122223333:role/"),
            ),
            "/parameters/role_arn",
        ),
        (
            ("/parameters/vpc_id", json!("vpc-12345678")),
            "/parameters/subnet_ids",
        ),
    ] {
        let answer = app.post("/workspaces", &but(&[change])).await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (422, Some("validation_failed"))
        );
        assert!(pointers(&answer).contains(&pointer), "{}", answer.text);
    }
    // What a template does not leave to requests does not exist for them.
    for (template, name, value) in [
        ("sandbox@1", "region", json!("eu-central-1")),
        ("sandbox@2", "bucket_name", json!("mine")),
        ("sandbox@2", "account", json!("other")),
        (
            "sandbox@2",
            "secret_path",
            json!("databricks/other-team/theirs"),
        ),
        (
            "light",
            "role_arn",
            json!("arn:aws:iam::111122223333:role/x"),
        ),
    ] {
        let mut body = but(&[("/template", json!(template))]);
        if template != "sandbox@2" {
            body["parameters"] = json!({});
        }
        body["parameters"][name] = value;
        let answer = app.post("/workspaces", &body).await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (422, Some("unknown_field")),
            "{}",
            answer.text
        );
        assert_eq!(pointers(&answer), [format!("/parameters/{name}")]);
    }
    for template in ["sandbox@3", "sandbox@", "sandbox@01", "sandbx"] {
        let answer = app
            .post("/workspaces", &but(&[("/template", json!(template))]))
            .await;
        assert_eq!((answer.status, pointers(&answer)), (422, vec!["/template"]));
        assert!(
            answer.body["hint"]
                .as_str()
                .is_some_and(|hint| hint.contains("`light`, `sandbox`"))
        );
    }
    assert_eq!(counts(&app).await, before);
    app.abandon("nobody works here").await;
}

/// The schema that is shown says of every body what the service says of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_can_check_its_body_beforehand() {
    let app = start(0).await;
    for path in ["/templates/sandbox/schema", "/templates/sandbox@2/schema"] {
        let answer = app.get(path).await;
        assert_eq!(answer.headers["content-type"], "application/schema+json");
        let validator = jsonschema::draft202012::new(&answer.body).expect("a schema");
        for (number, (body, wrong)) in bodies().into_iter().enumerate() {
            let errors: Vec<String> = validator
                .iter_errors(&body)
                .map(|e| e.to_string())
                .collect();
            // Of the deployment name the schema cannot know.
            assert_eq!(errors.is_empty(), wrong.is_empty(), "{body}: {errors:?}");
            let mut body = body;
            body["name"] = format!(
                "{}-{number}{}",
                body["name"].as_str().expect("a name"),
                path.len()
            )
            .into();
            let status = app.post("/workspaces", &body).await.status;
            assert_eq!(status == 202, wrong.is_empty(), "{body}");
        }
        let other = but(&[("/template", json!("light"))]);
        assert!(!validator.is_valid(&other) && !validator.is_valid(&but(&[("/typo", json!(1))])));
    }
    // An older version is not meant by the name alone.
    let first = app.get("/templates/sandbox@1/schema").await.body;
    let first = jsonschema::draft202012::new(&first).expect("a schema");
    assert!(first.is_valid(&json!({"name": "abc", "template": "sandbox@1"})));
    assert!(!first.is_valid(&json!({"name": "abc", "template": "sandbox"})));
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_role_learns_nothing_of_templates() {
    let app = start(0).await;
    let bearer = format!("Bearer {}", app.token_of("guest@example.com", "guests"));
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let get = async |path: &str| app.send("GET", path, &headers, None).await;
    let there = get("/templates/sandbox").await;
    let absent = get("/templates/sandbx").await;
    assert_eq!((there.status, absent.status), (403, 403));
    assert_eq!(there.body["detail"], absent.body["detail"]);
    for template in ["sandbox", "sandbx"] {
        let body = but(&[("/template", json!(template)), ("/name", json!("prod"))]);
        let answer = app
            .send("POST", "/workspaces", &headers, Some(&body.to_string()))
            .await;
        assert_eq!(answer.status, 403, "{}", answer.text);
        assert!(!answer.text.contains("light"), "{}", answer.text);
    }
    app.abandon("nobody works here").await;
}
