//! What Databricks says of networks: its verdicts as our problems, and what can be told before it gives one.

use super::checks::{check, given, unless_throttled};
use crate::cloud::failure::{Act, explain};
use crate::cloud::{Check, CheckResult, NETWORK_FREE, NetworkReport, Own, Result, SUBNETS_FREE};
use crate::databricks::account::networks::{Network, NetworkError};
use crate::databricks::{Error, Side};
use crate::domain::external::UpstreamId;
use crate::domain::problem::{Code, Explanation, Upstream};
use crate::domain::scrub::scrubbed;
use crate::domain::spec::Vpc;

const BROKEN: &str = "BROKEN";

/// The verdict on a network that a workspace was attached to.
pub(super) fn report(network: &Network) -> NetworkReport {
    let warnings = network.warning_messages.iter().map(|warning| {
        let text = said(&warning.warning_type, &warning.warning_message);
        format!("network {}: {text}", network.network_id)
    });
    NetworkReport {
        problem: problem(network),
        warnings: warnings.collect(),
    }
}

/// The first error gives the code; all of them are told.
fn problem(network: &Network) -> Option<Explanation> {
    let id = &network.network_id;
    let Some(first) = network.error_messages.first() else {
        let detail = format!("Databricks calls network {id} {BROKEN} and does not say why.");
        return (network.vpc_status == BROKEN)
            .then(|| Explanation::new(Code::NetworkInvalid, detail));
    };
    let all = network.error_messages.iter();
    let all: Vec<String> = all
        .map(|error| said(&error.error_type, &error.error_message))
        .collect();
    let message = scrubbed(&all.join("; "));
    let detail = format!("Its check of network {id} says: {message}");
    let upstream = Upstream {
        service: Side::Account.service().to_owned(),
        status: Some(200),
        error_code: Some(scrubbed(&first.error_type)),
        message,
        request_id: None,
    };
    Some(Explanation::new(code(first), detail).upstream(Some(upstream)))
}

fn said(what: &str, sentence: &str) -> String {
    scrubbed(&format!("{what}: {sentence}"))
}

/// Which problem an error is. The types are documented, the sentences are not.
fn code(error: &NetworkError) -> Code {
    let text = error.error_message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match error.error_type.as_str() {
        "securityGroup" => Code::SecurityGroupInvalid,
        "networkAcl" => Code::NetworkAclBlocks,
        "credentials" => Code::CredentialsPermissionsMissing,
        "subnet" if says(&["netmask", "too small", "not large enough"]) => Code::SubnetTooSmall,
        "subnet" if says(&["another network", "already used", "in use by"]) => Code::SubnetReused,
        _ => Code::NetworkInvalid,
    }
}

/// An existing network: whether it is there, free, and not known to be broken.
pub(super) fn check_given(
    id: &str,
    found: std::result::Result<Network, Error>,
    own: Own<'_>,
) -> Result<Vec<Check>> {
    let (exists, what) = ("network_exists", "network configuration");
    let network = match found {
        Ok(network) => network,
        Err(error) => return Ok(vec![given(exists, what, id, Err(error))?]),
    };
    Ok(vec![
        given(exists, what, id, Ok(()))?,
        check_free(&network, own),
        check_valid(&network),
    ])
}

fn check_free(network: &Network, own: Own<'_>) -> Check {
    let id = &network.network_id;
    let ours = |it: &i64| own.workspace == Some(&UpstreamId::Number(*it));
    match network.workspace_id.filter(|it| !ours(it)) {
        None => check(
            NETWORK_FREE,
            CheckResult::Pass,
            format!("network {id} is attached to no other workspace"),
        ),
        Some(other) => failed(
            NETWORK_FREE,
            Explanation::new(
                Code::NetworkInUse,
                format!("network {id} is attached to workspace {other}"),
            ),
        ),
    }
}

/// A verdict is as old as the last attachment: only a bad one that nobody can renew says something.
fn check_valid(network: &Network) -> Check {
    let name = "network_valid";
    let found = problem(network).filter(|_| network.workspace_id.is_none());
    match (found, network.vpc_status.as_str()) {
        (Some(explanation), _) => failed(
            name,
            explanation.hint(
                "Correct what the vendor names, then make a new network configuration of the VPC: one is judged only \
                 when a workspace is attached.",
            ),
        ),
        (None, "VALID" | "WARNED") => check(
            name,
            CheckResult::Pass,
            format!("Databricks found it {}", network.vpc_status),
        ),
        _ => check(
            name,
            CheckResult::Unknown,
            "Databricks judges a network only when a workspace is attached".to_owned(),
        ),
    }
}

/// A network to be made: whether its parts are in no other one.
pub(super) fn check_vpc(
    vpc: &Vpc,
    all: std::result::Result<Vec<Network>, Error>,
    own: Own<'_>,
) -> Result<Check> {
    let name = SUBNETS_FREE;
    let all = match all {
        Ok(all) => all,
        Err(error) => {
            return unless_throttled(name, explain(error, Act::Read, "listing networks"));
        }
    };
    let others = all.iter().filter(|it| it.network_name != own.network);
    let taken: Vec<String> = others
        .flat_map(|network| {
            let ids = vpc.subnet_ids.iter().chain(&vpc.security_group_ids);
            ids.filter(|id| {
                network.subnet_ids.contains(id) || network.security_group_ids.contains(id)
            })
            .map(|id| {
                format!(
                    "{id} belongs to network configuration {}",
                    network.network_id
                )
            })
        })
        .collect();
    if taken.is_empty() {
        let message = "no other network configuration has these subnets and security groups";
        return Ok(check(name, CheckResult::Pass, message.to_owned()));
    }
    let explanation = Explanation::new(Code::SubnetReused, taken.join("; "));
    Ok(failed(name, explanation))
}

fn failed(name: &'static str, explanation: Explanation) -> Check {
    let message = explanation.detail.clone();
    check(name, CheckResult::Fail(Box::new(explanation)), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn network(more: serde_json::Value) -> Network {
        let mut body = json!({
            "network_id": "n-1", "network_name": "theirs", "vpc_id": "vpc-1",
            "subnet_ids": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"],
        });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        serde_json::from_value(body).unwrap()
    }

    fn error(kind: &str, message: &str) -> serde_json::Value {
        json!({ "error_type": kind, "error_message": message })
    }

    #[test]
    fn each_error_has_its_problem_and_all_are_told() {
        for (kind, message, expected) in [
            ("securityGroup", "x", Code::SecurityGroupInvalid),
            ("networkAcl", "x", Code::NetworkAclBlocks),
            ("credentials", "x", Code::CredentialsPermissionsMissing),
            ("subnet", "no route", Code::NetworkInvalid),
            ("subnet", "The netmask is /27", Code::SubnetTooSmall),
            ("subnet", "is used in another network", Code::SubnetReused),
            ("vpc", "x", Code::NetworkInvalid),
            ("wormhole", "x", Code::NetworkInvalid),
        ] {
            let errors = json!([error(kind, message), error("vpc", "second")]);
            let found = report(&network(
                json!({ "vpc_status": "BROKEN", "error_messages": errors }),
            ));
            let problem = found.problem.unwrap();
            assert_eq!(problem.code, expected, "{kind} {message}");
            assert!(problem.detail.contains(message) && problem.detail.contains("vpc: second"));
            assert_eq!(problem.upstream.unwrap().error_code.as_deref(), Some(kind));
        }
        let silent = report(&network(json!({ "vpc_status": "BROKEN" })));
        assert_eq!(silent.problem.unwrap().code, Code::NetworkInvalid);
    }

    #[test]
    fn warnings_are_no_problem() {
        let warning = json!([{ "warning_type": "subnet", "warning_message": "a NAT instance" }]);
        let found = report(&network(
            json!({ "vpc_status": "WARNED", "warning_messages": warning, "error_messages": null }),
        ));
        assert_eq!(found.problem, None);
        assert_eq!(found.warnings, ["network n-1: subnet: a NAT instance"]);
    }

    #[test]
    fn an_old_verdict_blocks_only_where_nothing_can_renew_it() {
        let own = Own {
            workspace: Some(&UpstreamId::Number(7)),
            network: "ours",
            ..Own::default()
        };
        let broken = json!([error("vpc", "x")]);
        for (status, workspace, free, valid) in [
            ("UNATTACHED", None, "pass", "unknown"),
            ("VALID", None, "pass", "pass"),
            ("WARNED", Some(7), "pass", "pass"),
            ("BROKEN", None, "pass", "fail"),
            ("BROKEN", Some(7), "pass", "unknown"),
            ("VALID", Some(8), "fail", "pass"),
            ("NEW", Some(8), "fail", "unknown"),
        ] {
            let mut body = json!({ "vpc_status": status, "workspace_id": workspace });
            if status == "BROKEN" {
                body["error_messages"] = broken.clone();
            }
            let checks = check_given("n-1", Ok(network(body)), own).unwrap();
            let results: Vec<&str> = checks.iter().map(|it| word(&it.result)).collect();
            assert_eq!(results, ["pass", free, valid], "{status} {workspace:?}");
        }
    }

    fn word(result: &CheckResult) -> &'static str {
        match result {
            CheckResult::Pass => "pass",
            CheckResult::Unknown => "unknown",
            CheckResult::Fail(_) => "fail",
        }
    }

    #[test]
    fn parts_of_other_networks_are_refused() {
        let own = Own {
            network: "ours",
            ..Own::default()
        };
        let vpc = |subnet: &str, group: &str| Vpc {
            vpc_id: "vpc-1".to_owned(),
            subnet_ids: vec!["subnet-9".to_owned(), subnet.to_owned()],
            security_group_ids: vec![group.to_owned()],
        };
        let all = || Ok(vec![network(json!({}))]);
        let of = |vpc: Vpc, own| word(&check_vpc(&vpc, all(), own).unwrap().result);
        assert_eq!(of(vpc("subnet-8", "sg-8"), own), "pass");
        assert_eq!(of(vpc("subnet-2", "sg-8"), own), "fail");
        assert_eq!(of(vpc("subnet-8", "sg-1"), own), "fail");
        // Ours already, from a run whose answer was lost.
        let ours = Own {
            network: "theirs",
            ..own
        };
        assert_eq!(of(vpc("subnet-2", "sg-1"), ours), "pass");
    }
}
