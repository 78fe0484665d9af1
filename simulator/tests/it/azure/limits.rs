//! What policies and quotas say before anything is made.

use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

use super::{Azure, VERSION, workspace};
use crate::support::{Reply, reply};

const CHECK: &str = "/resourceGroups/workspaces/providers/Microsoft.PolicyInsights/checkPolicyRestrictions?api-version=2023-03-01";
const USAGES: &str = "/providers/Microsoft.Network/locations/westeurope/usages";

fn question(azure: &Azure, name: &str) -> Value {
    let mut content = azure.body(name);
    content["type"] = "Microsoft.Databricks/workspaces".into();
    content["name"] = name.into();
    json!({"resourceDetails": {"resourceContent": content, "apiVersion": VERSION}})
}

async fn ask(azure: &Azure, question: Value) -> Reply {
    reply(azure.send(Method::POST, CHECK, Some(question)).await).await
}

#[tokio::test]
async fn a_policy_that_denies_says_so_before_and_then() {
    let azure = Azure::new().await;
    let evaluations = |body: &Value| {
        let told = &body["contentEvaluationResult"]["policyEvaluations"];
        told.as_array().unwrap().clone()
    };
    let (status, body) = ask(&azure, question(&azure, "team-a")).await;
    assert_eq!((status, evaluations(&body).len()), (200, 0), "{body}");
    azure
        .simulator
        .fault(Fault::new(FaultKind::PolicyDenies).times(2));
    let (status, body) = ask(&azure, question(&azure, "team-a")).await;
    assert_eq!(status, 200, "{body}");
    let told = &evaluations(&body)[0];
    assert_eq!(told["evaluationResult"], "NonCompliant");
    assert_eq!(told["effectDetails"]["policyEffect"], "Deny");
    let refused = azure
        .refused(Method::PUT, &workspace("team-a"), azure.body("team-a"))
        .await;
    assert_eq!(refused, (403, "RequestDisallowedByPolicy".to_owned()));
    assert!(azure.simulator.inventory().is_empty());
    assert_eq!(azure.mistakes(), 0);
}

#[tokio::test]
async fn the_content_is_read_as_strictly_as_a_put() {
    let azure = Azure::new().await;
    let wrong: [fn(&mut Value); 5] = [
        |it| it["resourceDetails"]["resourceContent"]["sku"]["name"] = "standard".into(),
        |it| it["resourceDetails"]["resourceContent"]["properties"] = json!({}),
        |it| it["resourceDetails"]["resourceContent"]["type"] = "Some/thing".into(),
        |it| it["resourceDetails"]["resourceContent"]["name"] = "x".into(),
        |it| it["more"] = 1.into(),
    ];
    for (number, spoil) in wrong.into_iter().enumerate() {
        let mut asked = question(&azure, "team-a");
        spoil(&mut asked);
        let (status, body) = ask(&azure, asked).await;
        assert_eq!(status, 400, "{number}: {body}");
        assert_eq!(azure.mistakes(), number + 1, "{body}");
    }
}

#[tokio::test]
async fn usages_count_what_is_there() {
    let azure = Azure::new().await;
    let usage = |body: &Value, at: usize| {
        let usage = &body["value"][at];
        (usage["currentValue"].as_i64(), usage["limit"].as_i64())
    };
    let (status, body) = azure.get(USAGES).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["value"][0]["name"]["value"], "VirtualNetworks");
    assert_eq!(usage(&body, 0), (Some(1), Some(1000)));
    azure
        .simulator
        .fault(Fault::new(FaultKind::NetworkQuotaReached));
    let (_, body) = azure.get(USAGES).await;
    assert_eq!(usage(&body, 0), (Some(1), Some(1)));
    let (status, _) = azure
        .get("/providers/Microsoft.Network/locations/atlantis/usages")
        .await;
    assert_eq!(status, 400);
}
