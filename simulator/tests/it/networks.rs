//! Networks: judged when a workspace is attached, let go when it is gone; and workspaces that have none.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

use crate::support::{Lab, reply, text};

/// A workspace in a network of its own: their paths.
async fn attached(lab: &Lab, name: &str) -> (String, String) {
    let network = lab.network(name).await;
    let mut body = lab.workspace_body(name).await;
    body["network_id"] = network.clone().into();
    let (status, made) = lab.post("workspaces", body).await;
    assert_eq!(status, 201, "{made}");
    let workspace = format!("workspaces/{}", made["workspace_id"]);
    (workspace, format!("networks/{network}"))
}

async fn patch(lab: &Lab, path: &str, body: Value) -> (u16, Value) {
    let request = lab.request(Method::PATCH, path).json(&body);
    reply(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_network_is_judged_when_it_is_attached() {
    use FaultKind as K;
    let lab = Lab::new().await;
    for (kind, verdict, error, warning, status) in [
        (
            K::SecurityGroupBroken,
            "BROKEN",
            Some("securityGroup"),
            None,
            "FAILED",
        ),
        (
            K::SubnetWithoutRoute,
            "BROKEN",
            Some("subnet"),
            None,
            "FAILED",
        ),
        (
            K::NetworkAclBlocks,
            "BROKEN",
            Some("networkAcl"),
            None,
            "FAILED",
        ),
        (K::NetworkWarned, "WARNED", None, Some("subnet"), "RUNNING"),
    ] {
        // As a workspace asks for it in its own name.
        let (workspace, network) = attached(&lab, &format!("{}-x1y2", kind.marker())).await;
        let (_, judged) = lab.get(&network).await;
        assert_eq!(judged["vpc_status"], verdict, "{kind}");
        let first = |list: &str, member: &str| judged[list][0][member].as_str().map(str::to_owned);
        let (said, warned) = (
            first("error_messages", "error_type"),
            first("warning_messages", "warning_type"),
        );
        assert_eq!(
            (said.as_deref(), warned.as_deref()),
            (error, warning),
            "{kind}"
        );
        lab.simulator.advance(Duration::from_secs(480));
        let (_, seen) = lab.get(&workspace).await;
        assert_eq!(seen["workspace_status"], status, "{kind}");
        if status == "FAILED" {
            // Mended: the repair judges it again.
            let credentials = lab.credentials(&format!("{kind} again")).await;
            let (answered, body) =
                patch(&lab, &workspace, json!({"credentials_id": credentials})).await;
            assert_eq!(answered, 200, "{body}");
            assert_eq!(lab.get(&network).await.1["vpc_status"], "VALID");
            lab.simulator.advance(Duration::from_secs(480));
            assert_eq!(lab.get(&workspace).await.1["workspace_status"], "RUNNING");
        }
        lab.delete(&workspace).await;
        lab.simulator.advance(Duration::from_secs(8));
        let (_, free) = lab.get(&network).await;
        assert_eq!(free["vpc_status"], "UNATTACHED");
        for gone in ["workspace_id", "error_messages", "warning_messages"] {
            assert_eq!(free.get(gone), None, "{kind}");
        }
    }
    // In words of the test's.
    lab.simulator
        .fault(Fault::new(K::SubnetWithoutRoute).message("The netmask is /28."));
    let (_, network) = attached(&lab, "small").await;
    let (_, judged) = lab.get(&network).await;
    assert_eq!(
        judged["error_messages"],
        json!([{"error_type": "subnet", "error_message": "The netmask is /28."}])
    );
    // Where there is no network, there is nothing to judge.
    lab.simulator.fault(Fault::new(K::SecurityGroupBroken));
    let (id, _) = lab.workspace("without").await;
    lab.simulator.advance(Duration::from_secs(480));
    let (_, seen) = lab.get(&format!("workspaces/{id}")).await;
    assert_eq!(seen["workspace_status"], "RUNNING");
}

#[tokio::test]
async fn a_network_may_stay_attached_after_its_workspace() {
    let lab = Lab::new().await;
    let (workspace, network) = attached(&lab, "fault-network-lingers-x1y2").await;
    lab.delete(&workspace).await;
    lab.simulator.advance(Duration::from_secs(8));
    assert_eq!(lab.get(&workspace).await.0, 404);
    let (status, words) = lab.delete(&network).await;
    assert_eq!(status, 400);
    assert!(
        text(&words).contains("is being used by active workspace"),
        "{words}"
    );
    let mut body = lab.workspace_body("next").await;
    body["network_id"] = network.trim_start_matches("networks/").into();
    assert_eq!(lab.post("workspaces", body).await.0, 400, "still taken");
    lab.simulator.advance(Duration::from_secs(60));
    assert_eq!(lab.delete(&network).await.0, 200);
    assert_eq!(lab.get(&network).await.0, 404);
}

#[tokio::test]
async fn a_serverless_workspace_has_none() {
    let lab = Lab::new().await;
    let body = json!({
        "workspace_name": "light",
        "aws_region": "eu-central-1",
        "compute_mode": "SERVERLESS",
    });
    let id = "6f1ecb6a-9a5d-4b3a-9b0e-3d9e5a0f0000";
    for field in [
        "credentials_id",
        "storage_configuration_id",
        "network_id",
        "storage_customer_managed_key_id",
    ] {
        let mut with = body.clone();
        with[field] = id.into();
        let (status, answer) = lab.post("workspaces", with).await;
        assert_eq!(status, 400, "{field}");
        assert_eq!(
            answer["message"],
            format!("{field} cannot be set for serverless workspaces.")
        );
    }
    let (status, made) = lab.post("workspaces", body).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["storage_mode"], "DEFAULT_STORAGE");
    assert_eq!(made["compute_mode"], "SERVERLESS");
    lab.simulator.advance(Duration::from_secs(480));
    let path = format!("workspaces/{}", made["workspace_id"]);
    assert_eq!(lab.get(&path).await.1["workspace_status"], "RUNNING");
    let (status, answer) = patch(&lab, &path, json!({"network_id": id})).await;
    assert_eq!(status, 400);
    assert!(text(&answer).contains("serverless"), "{answer}");
}
