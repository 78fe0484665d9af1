//! What limits what can be made: the policies that a company lays over its subscriptions, and the quotas that Azure gives
//! them. Contract: Microsoft's REST reference of Azure Policy (`Policy Restrictions`) and of Virtual Network (`Usages`).

use super::{Arm, Error, networks, parse};
use crate::outbound::Verb;
use serde::Deserialize;
use serde_json::{Value, json};

const POLICIES: &str = "2023-03-01";

/// How much of a quota is used.
#[derive(Debug, Clone, Deserialize)]
pub struct Usage {
    /// What is counted.
    pub name: UsageName,
    /// How many there are.
    #[serde(rename = "currentValue")]
    pub current: i64,
    /// How many there may be.
    pub limit: i64,
}

/// What a quota counts.
#[derive(Debug, Clone, Deserialize)]
pub struct UsageName {
    /// Its identifier: `VirtualNetworks`.
    pub value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Restrictions {
    content_evaluation_result: Option<Evaluated>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Evaluated {
    #[serde(default)]
    policy_evaluations: Vec<Evaluation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Evaluation {
    policy_info: PolicyInfo,
    #[serde(default)]
    evaluation_result: String,
    effect_details: Option<Effect>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyInfo {
    policy_assignment_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Effect {
    #[serde(default)]
    policy_effect: String,
}

impl Evaluation {
    fn denies(&self) -> bool {
        let effect = self.effect_details.as_ref();
        let denies = effect.is_none_or(|it| it.policy_effect.eq_ignore_ascii_case("deny"));
        denies && self.evaluation_result.eq_ignore_ascii_case("noncompliant")
    }
}

impl Arm {
    /// The assignments of the policies that would deny a resource of this content in a group.
    pub(super) async fn denied_by(
        &self,
        group: &str,
        version: &str,
        content: &Value,
    ) -> Result<Vec<String>, Error> {
        let path = format!(
            "{}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions",
            self.group_id(group)
        );
        let body = json!({
            "resourceDetails": {"resourceContent": content, "apiVersion": version},
        });
        let url = self.url(&path, POLICIES);
        let response = self.call(Verb::Post, &url, Some(&body)).await?;
        let told: Restrictions = parse(&response)?;
        let evaluated = told.content_evaluation_result;
        let all = evaluated.map(|it| it.policy_evaluations);
        let denying = all
            .unwrap_or_default()
            .into_iter()
            .filter(Evaluation::denies);
        Ok(denying
            .map(|it| it.policy_info.policy_assignment_id)
            .collect())
    }

    /// How much of its network quotas the subscription uses in a region.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn network_usages(&self, region: &str) -> Result<Vec<Usage>, Error> {
        let path = format!(
            "/subscriptions/{}/providers/Microsoft.Network/locations/{region}/usages",
            self.subscription()
        );
        self.all(self.url(&path, networks::VERSION)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_compliant_and_denied_counts() {
        for (result, effect, denies) in [
            ("NonCompliant", json!({"policyEffect": "Deny"}), true),
            ("NonCompliant", Value::Null, true),
            ("NonCompliant", json!({"policyEffect": "Audit"}), false),
            ("Compliant", json!({"policyEffect": "Deny"}), false),
        ] {
            let told = json!({
                "policyInfo": {"policyAssignmentId": "/a"}, "evaluationResult": result,
                "effectDetails": effect,
            });
            let evaluation: Evaluation = serde_json::from_value(told).expect("an evaluation");
            assert_eq!(evaluation.denies(), denies, "{result} {effect}");
        }
    }
}
