//! The main job, through the API: created, reused, undone, deleted in each phase.

use crate::support::account::Account;
use crate::support::{Builder, SPEED, TestApp, simulate};
use brickyard::dev::{self, TEAM};
use serde_json::{Value, json};

/// The current value of the only secret, as its consumer would read it.
fn secret(app: &TestApp, path: &str) -> Value {
    let inventory = app.simulator.inventory();
    let record = inventory
        .secrets
        .get(path)
        .unwrap_or_else(|| panic!("{path}: {:?}", inventory.secrets.keys()));
    let data = record
        .versions
        .last_key_value()
        .and_then(|(_, data)| data.clone())
        .expect("a live version");
    Value::Object(data)
}

#[tokio::test(flavor = "multi_thread")]
async fn from_post_to_a_pat_that_the_workspace_accepts() {
    let app = TestApp::start().await;
    let workspace = app.ready("analytics-dev").await;

    assert_eq!(workspace["phase"], "ready");
    assert_eq!(workspace["problem"], Value::Null);
    assert_eq!(workspace["external"]["workspace_status"], "RUNNING");
    assert!(
        workspace["external"]["workspace_id"].is_string(),
        "64-bit ids are strings"
    );
    let conditions = workspace["conditions"].as_array().expect("conditions");
    for condition in conditions {
        assert_eq!(condition["status"], "true", "{condition}");
    }
    assert_eq!(conditions.len(), 5, "{conditions:#?}");

    let tokens = app.get("/workspaces/analytics-dev/tokens").await.body;
    let token = &tokens["items"][0];
    assert_eq!(token["status"], "active");
    assert_eq!(token["secret"]["store"], "main");
    assert_eq!(token["secret"]["kind"], "vault_kv2");
    assert_eq!(
        token["secret"]["path"],
        format!("databricks/{TEAM}/analytics-dev")
    );
    assert_eq!(token["secret"]["version"], "1");
    assert!(
        token["principal"]
            .as_str()
            .expect("whose")
            .starts_with("service_principal:")
    );

    let secret = secret(&app, &format!("databricks/{TEAM}/analytics-dev"));
    assert_eq!(secret["host"], workspace["external"]["workspace_url"]);
    let pat = secret["token"].as_str().expect("a PAT");
    // As the job that uses the workspace: the name from the simulator's world, the PAT from the store.
    let url = url_of(&workspace);
    let me = reqwest::Client::builder()
        .resolve(
            url.host_str().expect("a host"),
            ([127, 0, 0, 1], url.port().expect("a port")).into(),
        )
        .build()
        .expect("a client")
        .get(format!("{}api/2.0/preview/scim/v2/Me", url))
        .bearer_auth(pat)
        .send()
        .await
        .expect("the workspace answers");
    assert_eq!(me.status(), 200);
    app.finish().await;
}

fn url_of(workspace: &Value) -> reqwest::Url {
    workspace["external"]["workspace_url"]
        .as_str()
        .expect("an address")
        .parse()
        .expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operation_tells_each_step_and_its_duration() {
    let app = TestApp::start().await;
    let accepted = app.create("stepwise").await;
    let names: Vec<&str> = accepted["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|s| s["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "preflight",
            "create_credentials",
            "create_storage",
            "create_network",
            "create_workspace",
            "await_running",
            "await_reachable",
            "create_service_principal",
            "deliver_token"
        ],
        "the list is complete from the first answer on"
    );
    let done = app.done(&accepted).await;
    for step in done["steps"].as_array().expect("steps") {
        // Databricks makes the VPC.
        let expected = match step["name"].as_str() {
            Some("create_network") => "skipped",
            _ => "succeeded",
        };
        assert_eq!(step["status"], expected, "{step}");
        assert!(step["duration_ms"].is_i64(), "{step}");
        assert!(
            step["started_at"].as_str() <= step["finished_at"].as_str(),
            "{step}"
        );
    }
    assert!(done["finished_at"].is_string());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_by_id_is_used_and_left_alone() {
    // A world in which somebody else has made the objects.
    let simulator = simulate(SPEED).await;
    let account = Account::open(&simulator).await;
    let credentials = account
        .create(
            "credentials",
            json!({"credentials_name": "theirs", "aws_credentials": {"sts_role": {"role_arn": "arn:aws:iam::111122223333:role/theirs"}}}),
        )
        .await["credentials_id"]
        .clone();
    let storage = account
        .create(
            "storage-configurations",
            json!({"storage_configuration_name": "theirs", "root_bucket_info": {"bucket_name": "theirs-root"}}),
        )
        .await["storage_configuration_id"]
        .clone();
    let template = format!(
        "credentials_id = {credentials}\nstorage_configuration_id = {storage}\ntoken_for = \"provisioner\"\n\
         deletion_protection = false"
    );
    let app = Builder {
        template,
        simulator: Some(simulator),
        ..Builder::default()
    }
    .start()
    .await;

    let workspace = app.ready("reuser").await;
    let inventory = app.simulator.inventory();
    assert_eq!(inventory.credentials.len(), 1, "none was made");
    assert_eq!(
        inventory.workspaces[0].credentials_id.as_deref(),
        credentials.as_str()
    );
    assert_eq!(
        inventory.workspaces[0].storage_configuration_id.as_deref(),
        storage.as_str()
    );
    assert_eq!(
        inventory.service_principals.len(),
        0,
        "the provisioner's own token needs none"
    );
    let tokens = app.get("/workspaces/reuser/tokens").await.body;
    assert_eq!(tokens["items"][0]["principal"], "provisioner");
    assert_eq!(workspace["phase"], "ready");

    app.removed("reuser").await;
    let inventory = app.simulator.inventory();
    assert_eq!(inventory.credentials.len(), 1, "given credentials stay");
    assert_eq!(
        inventory.storage_configurations.len(),
        1,
        "a given storage configuration stays"
    );
    assert!(inventory.workspaces.iter().all(|w| w.status != "RUNNING"));
    assert_eq!(inventory.tokens.len(), 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serverless_workspace_is_made_of_nothing_but_itself() {
    let app = Builder {
        template: dev::SERVERLESS.into(),
        ..Builder::default()
    }
    .start()
    .await;
    let accepted = app.create("light").await;
    let names: Vec<&str> = accepted["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|s| s["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "preflight",
            "create_workspace",
            "await_running",
            "await_reachable",
            "create_service_principal",
            "deliver_token"
        ]
    );
    let done = app.done(&accepted).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    let workspace = app.workspace_of(&accepted).await;
    assert_eq!(workspace["spec"]["compute_mode"], "serverless");
    assert_eq!(workspace["external"]["network_id"], Value::Null);
    let inventory = app.simulator.inventory();
    assert!(inventory.credentials.is_empty() && inventory.storage_configurations.is_empty());
    assert_eq!(inventory.workspaces[0].credentials_id, None);
    assert_eq!(inventory.tokens.len(), 1);
    app.removed("light").await;
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_id_is_told_before_anything_is_made() {
    let template = "credentials_id = \"00000000-0000-4000-8000-000000000000\"\nbucket_name = \"root-bucket\"\nkeep_failed_seconds = 0".into();
    let app = Builder {
        template,
        ..Builder::default()
    }
    .start()
    .await;
    let operation = app.create("hopeless").await;
    let done = app.done(&operation).await;
    assert_eq!(done["status"], "failed");
    assert_eq!(done["problem"]["code"], "configuration_missing", "{done:#}");
    assert_eq!(done["steps"][0]["status"], "failed");
    app.phase(&operation, "deleted").await;
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_without_a_way_to_it_is_ready_without_a_token() {
    let template = format!("{}\nreachable_from_here = false", dev::OBJECTS);
    let app = Builder {
        template,
        ..Builder::default()
    }
    .start()
    .await;
    let operation = app.create("private").await;
    let done = app.done(&operation).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    assert_eq!(
        done["warnings"].as_array().map(Vec::len),
        Some(1),
        "{done:#}"
    );
    let statuses: Vec<&str> = done["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|s| s["status"].as_str())
        .collect();
    assert_eq!(statuses[6..], ["skipped", "skipped", "skipped"]);
    assert_eq!(
        app.get("/workspaces/private/tokens").await.body["items"],
        json!([])
    );
    app.finish().await;
}
