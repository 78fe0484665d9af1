//! Azure's clouds, and the shapes of its names (Microsoft's naming rules).

use super::id::is_uuid;
use serde::Deserialize;

/// The application of Azure Databricks, the same in every cloud: the audience of a workspace's tokens.
pub const DATABRICKS_AUDIENCE: &str = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";

/// One of Azure's clouds, which share nothing but their shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Environment {
    /// Where Entra ID answers.
    pub authority_host: &'static str,
    /// Where Resource Manager answers.
    pub arm_endpoint: &'static str,
    /// Whom a token for Resource Manager is for.
    pub arm_audience: &'static str,
    /// Domain below which every workspace's host lies.
    pub workspace_domain: &'static str,
}

/// The public cloud.
pub const PUBLIC: Environment = Environment {
    authority_host: "https://login.microsoftonline.com",
    arm_endpoint: "https://management.azure.com",
    arm_audience: "https://management.azure.com",
    workspace_domain: "azuredatabricks.net",
};

/// Azure Government.
pub const US_GOVERNMENT: Environment = Environment {
    authority_host: "https://login.microsoftonline.us",
    arm_endpoint: "https://management.usgovcloudapi.net",
    arm_audience: "https://management.usgovcloudapi.net",
    workspace_domain: "databricks.azure.us",
};

/// Azure operated by 21Vianet.
pub const CHINA: Environment = Environment {
    authority_host: "https://login.chinacloudapi.cn",
    arm_endpoint: "https://management.chinacloudapi.cn",
    arm_audience: "https://management.chinacloudapi.cn",
    workspace_domain: "databricks.azure.cn",
};

/// All of them.
pub const ENVIRONMENTS: [Environment; 3] = [PUBLIC, US_GOVERNMENT, CHINA];

/// As the configuration names them.
#[derive(Debug, Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentName {
    /// [`PUBLIC`].
    #[default]
    Public,
    /// [`US_GOVERNMENT`].
    UsGovernment,
    /// [`CHINA`].
    China,
}

impl EnvironmentName {
    /// Which it is.
    pub fn environment(self) -> Environment {
        match self {
            Self::Public => PUBLIC,
            Self::UsGovernment => US_GOVERNMENT,
            Self::China => CHINA,
        }
    }
}

/// Whether `text` may name a tenant: its id or a domain of it.
pub fn is_tenant(text: &str) -> bool {
    is_uuid(text) || (text.contains('.') && is_host(text))
}

/// Whether `text` is shaped like a location's name: `westeurope`, `eastus2`.
pub fn is_location(text: &str) -> bool {
    (3..=40).contains(&text.len())
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Whether `text` may be a resource group's name.
pub fn is_resource_group(text: &str) -> bool {
    (1..=90).contains(&text.len())
        && !text.ends_with('.')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._()".contains(&b))
}

/// Whether `text` may be a workspace's name in Resource Manager.
pub fn is_workspace(text: &str) -> bool {
    (3..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// Whether `text` may be a virtual network's name.
pub fn is_virtual_network(text: &str) -> bool {
    (2..=64).contains(&text.len()) && is_subnet(text)
}

/// Whether `text` may be the name of a subnet or a network security group.
pub fn is_subnet(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric();
    (1..=80).contains(&text.len())
        && text.bytes().next().is_some_and(word)
        && text.bytes().last().is_some_and(|b| word(b) || b == b'_')
        && text.bytes().all(|b| word(b) || b"_.-".contains(&b))
}

/// Whether `text` may be the name of a secret or a key in a key vault.
pub fn is_secret_name(text: &str) -> bool {
    (1..=127).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether `text` is the address of a key vault: `https://` and a host, nothing behind it but a port.
pub fn is_vault_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else {
        return false;
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether `text` may be a host's name.
pub(super) fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(is: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(is(text), "{text}");
        }
        for text in bad {
            assert!(!is(text), "{text}");
        }
    }

    #[test]
    fn shapes() {
        let (long, dots) = ("a".repeat(128), "a".repeat(91));
        check(
            is_tenant,
            &[
                "2f1f4d1c-7f4e-4b63-9d0c-0a8b7c1d2e3f",
                "contoso.onmicrosoft.com",
            ],
            &["", "contoso", "a b.com", "-a.com", "../x.com", "common/x"],
        );
        check(
            is_location,
            &["westeurope", "eastus2", "usgovvirginia"],
            &[
                "",
                "West Europe",
                "2us",
                "west-europe",
                "us-west-2",
                "WESTEUROPE",
            ],
        );
        check(
            is_resource_group,
            &["rg", "My_group-1.(x)", "1"],
            &["", "ends.", "a b", "a/b", &dots],
        );
        check(
            is_workspace,
            &["abc", "ws_1-a"],
            &["ab", "a.bc", "a b", "a/b", &long],
        );
        check(
            is_virtual_network,
            &["v1", "a_"],
            &["v", "-a1", "a-", &long],
        );
        check(
            is_subnet,
            &["s", "host.1_", "A.b-c"],
            &["", "-a", "a-", "a b", "a/b", "a.", &long],
        );
        check(
            is_secret_name,
            &["a", "team--name", "0-"],
            &["", "a/b", "a_b", "a.b", &long],
        );
        check(
            is_vault_url,
            &[
                "https://kv1.vault.azure.net",
                "https://kv1.vault.azure.net/",
                "https://kv.localtest:8443",
            ],
            &[
                "",
                "http://kv1.vault.azure.net",
                "https://",
                "https://kv1.vault.azure.net/secrets",
                "https://user@kv1.vault.azure.net",
                "https://kv1.vault.azure.net?x",
                "https://kv1:0",
            ],
        );
    }

    #[test]
    fn clouds_share_nothing() {
        let hosts = |e: &Environment| [e.authority_host, e.arm_endpoint, e.workspace_domain];
        let all: Vec<&str> = ENVIRONMENTS.iter().flat_map(hosts).collect();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
