//! Networks of one's own, through the API: made, reused, judged by Databricks, in use, let go late.

use crate::support::account::Account;
use crate::support::variants::{self, Variant};
use crate::support::{Builder, SPEED, TestApp, simulate};
use brickyard::dev;
use futures_util::future::join_all;
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};

const MADE: Variant = variants::ALL[0];
const GIVEN: Variant = variants::ALL[1];

/// A world in which somebody else has a workspace in a network of the VPC; the network's id.
async fn with_a_taken_network(template: impl FnOnce(&str) -> String) -> (TestApp, String) {
    let simulator = simulate(SPEED).await;
    let account = Account::open(&simulator).await;
    let network = account
        .create(
            "networks",
            json!({
                "network_name": "theirs", "vpc_id": "vpc-1", "security_group_ids": ["sg-1"],
                "subnet_ids": ["subnet-0a1b2c3d4e5f60718", "subnet-1"],
            }),
        )
        .await["network_id"]
        .clone();
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
    account
        .create(
            "workspaces",
            json!({
                "workspace_name": "theirs", "aws_region": "us-west-2", "credentials_id": credentials,
                "storage_configuration_id": storage, "network_id": network,
            }),
        )
        .await;
    let id = network.as_str().expect("an id").to_owned();
    let app = Builder {
        template: format!("{}{}", dev::OBJECTS, template(&id)),
        simulator: Some(simulator),
        ..Builder::default()
    }
    .start()
    .await;
    (app, id)
}

fn order_of(app: &TestApp, call: Call) -> usize {
    let arrivals = app.simulator.arrivals();
    let found = arrivals.iter().rposition(|a| a.call == call);
    found.unwrap_or_else(|| panic!("{call} never came"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_made_for_the_workspace_and_goes_after_it() {
    let app = MADE.start(Builder::default()).await;
    let workspace = app.ready("roomy").await;
    let inventory = app.simulator.inventory();
    let network = &inventory.networks[0];
    assert_eq!(workspace["external"]["network_id"], network.id.as_str());
    assert_eq!(inventory.workspaces[0].network_id, Some(network.id.clone()));
    let id = workspace["id"].as_str().expect("an id");
    assert_eq!(network.name, format!("dev-{id}-network-1"));
    assert_eq!(network.body["vpc_status"], "VALID");
    let calls: Vec<String> =
        sqlx::query_scalar("select call from attempts where outcome = 'applied' order by id")
            .fetch_all(&app.db)
            .await
            .expect("the database answers");
    assert!(calls.contains(&"create_network".to_owned()), "{calls:?}");

    // The vendor lets go of it only some time after the workspace is gone.
    app.simulator
        .fault(Fault::new(FaultKind::DeleteInUse).on(Call::DeleteNetwork));
    let deleted = app.removed("roomy").await;
    assert_eq!(deleted["warnings"], json!([]));
    assert!(app.simulator.inventory().is_empty());
    assert!(order_of(&app, Call::DeleteWorkspace) < order_of(&app, Call::DeleteNetwork));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_lingers_is_waited_for() {
    let app = MADE.start(Builder::default()).await;
    // 600 simulated seconds are 0.6 real ones.
    app.fault(Fault::new(FaultKind::NetworkLingers).seconds(600.0));
    app.ready("lingering").await;
    app.removed("lingering").await;
    assert!(app.simulator.inventory().is_empty());
    let arrivals = app.simulator.arrivals();
    let refused = arrivals
        .iter()
        .filter(|a| a.call == Call::DeleteNetwork && a.status == Some(400));
    assert!(refused.count() >= 1, "it was refused at first");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_network_is_used_and_left_alone() {
    let app = GIVEN.start(Builder::default()).await;
    let network = app.simulator.inventory().networks[0].clone();
    let workspace = app.ready("guest").await;
    assert_eq!(workspace["external"]["network_id"], network.id.as_str());
    let inventory = app.simulator.inventory();
    assert_eq!(inventory.networks.len(), 1, "none was made");
    let attached = inventory.networks[0].body["workspace_id"].to_string();
    assert_eq!(workspace["external"]["workspace_id"], attached.as_str());
    app.removed("guest").await;
    let left = app.simulator.inventory().networks;
    assert_eq!(left[0].body, network.body, "as it was before");
    // And it serves the next.
    app.ready("next-guest").await;
    app.removed("next-guest").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_databricks_finds_in_a_network_explains_the_failure() {
    use FaultKind::{NetworkAclBlocks, SecurityGroupBroken, SubnetWithoutRoute};
    let cases = [
        (
            MADE,
            SecurityGroupBroken,
            None,
            "security_group_invalid",
            "securityGroup",
        ),
        (
            MADE,
            NetworkAclBlocks,
            None,
            "network_acl_blocks",
            "networkAcl",
        ),
        (GIVEN, SubnetWithoutRoute, None, "network_invalid", "subnet"),
        (
            MADE,
            SubnetWithoutRoute,
            Some("The netmask /27 is out of range."),
            "subnet_too_small",
            "subnet",
        ),
    ];
    join_all(cases.map(|(variant, kind, words, code, about)| async move {
        let app = variant.start(Builder::default()).await;
        let mut fault = Fault::new(kind);
        fault.message = words.map(str::to_owned);
        app.fault(fault);
        // An answer lost does not cost the explanation. A given network is looked at in the preflight, too.
        let before = u32::from(variant.name == GIVEN.name);
        app.fault(
            Fault::new(FaultKind::Unavailable)
                .on(Call::GetNetwork)
                .skip(before),
        );
        let create = app.create("walled-off").await;
        let done = app.done(&create).await;
        assert_eq!(done["status"], "failed", "{kind}: {done:#}");
        let problem = &done["problem"];
        assert_eq!(problem["code"], code, "{kind}: {problem:#}");
        assert_eq!(problem["fix_by"], "cloud_admin", "{kind}");
        assert_eq!(problem["upstream"]["error_code"], about, "{kind}");
        let said = problem["upstream"]["message"].as_str().expect("words");
        assert!(
            said.contains(words.unwrap_or("-0")),
            "it names the thing: {said}"
        );
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(
            detail.starts_with("Databricks set workspace") && detail.contains(said),
            "{detail}"
        );
        let gone = app.phase(&create, "deleted").await;
        assert_eq!(
            gone["problem"]["code"], code,
            "why it failed stays readable"
        );
        assert!(variants::left(&app).is_empty());
        app.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_databricks_would_have_otherwise_is_a_warning() {
    let app = MADE.start(Builder::default()).await;
    app.fault(Fault::new(FaultKind::NetworkWarned));
    let create = app.create("warned").await;
    let done = app.done(&create).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    let warning = done["warnings"][0].as_str().expect("a warning");
    assert!(
        warning.contains("subnet: Subnet subnet-0a1b2c3d4e5f60718 routes to a NAT instance"),
        "{warning}"
    );
    app.removed("warned").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_that_cannot_be_read_stop_nothing() {
    let app = MADE.start(Builder::default()).await;
    app.fault(
        Fault::new(FaultKind::ErrorBeforeActing)
            .on(Call::GetNetwork)
            .times(0),
    );
    let create = app.create("unread").await;
    let done = app.done(&create).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    let warning = done["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("could not be read"), "{warning}");
    app.finish().await;
}

/// Fails in its preflight with this code, and nothing of ours was made.
async fn is_refused_beforehand(app: TestApp, code: &str, about: &str) {
    let create = app.create("too-late").await;
    let done = app.done(&create).await;
    assert_eq!(done["status"], "failed", "{done:#}");
    assert_eq!(done["steps"][0]["status"], "failed", "{done:#}");
    assert_eq!(done["problem"]["code"], code, "{done:#}");
    let detail = done["problem"]["detail"].as_str().expect("a detail");
    assert!(detail.contains(about), "{detail}");
    assert_eq!(
        app.phase(&create, "deleted").await["external"]["network_id"],
        Value::Null
    );
    let made = variants::made(&app);
    assert!(made.values().all(|made| *made <= 1), "{made:?}");
    app.abandon("somebody else's workspace stays").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_another_workspace_is_told_before_anything_is_made() {
    let (app, id) = with_a_taken_network(|id| format!("network_id = \"{id}\"")).await;
    is_refused_beforehand(app, "network_in_use", &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subnet_of_another_network_is_told_before_anything_is_made() {
    let (app, id) = with_a_taken_network(|_| dev::VPC.to_owned()).await;
    let about = format!("subnet-0a1b2c3d4e5f60718 belongs to network configuration {id}");
    is_refused_beforehand(app, "subnet_reused", &about).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_does_not_exist_is_told_before_anything_is_made() {
    let missing = "00000000-0000-4000-8000-000000000005";
    let template = format!("{}network_id = \"{missing}\"", dev::OBJECTS);
    let app = Builder {
        template,
        ..Builder::default()
    }
    .start()
    .await;
    is_refused_beforehand(app, "configuration_missing", missing).await;
}

/// Somebody was faster, after the preflight.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_was_taken_meanwhile_is_told() {
    for (call, words, code) in [
        (
            Call::CreateWorkspace,
            "MALFORMED_REQUEST: Network x is used by another workspace 7.",
            "network_in_use",
        ),
        (
            Call::CreateNetwork,
            "MALFORMED_REQUEST: Subnet x is used by another network configuration.",
            "subnet_reused",
        ),
    ] {
        let app = MADE.start(Builder::default()).await;
        app.fault(Fault::new(FaultKind::TextError).on(call).message(words));
        let create = app.create("outrun").await;
        let done = app.done(&create).await;
        assert_eq!(done["problem"]["code"], code, "{done:#}");
        app.phase(&create, "deleted").await;
        assert!(app.simulator.inventory().is_empty());
        app.finish().await;
    }
}
