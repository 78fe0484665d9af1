//! Where calls go, and where no token may ever go.

use super::client::Client;
use super::error::{Error, Side};

/// Stands for the deployment name in an address.
const PLACEHOLDER: &str = "{deployment_name}";

/// Where a call goes.
#[derive(Debug, Clone)]
pub struct Host {
    /// Scheme, name and port, without a slash at the end.
    pub(super) base: String,
    pub(super) side: Side,
    resource: Option<String>,
}

impl Host {
    /// The host of a workspace that is a resource of a cloud.
    #[must_use]
    pub fn of(mut self, resource: Option<String>) -> Self {
        self.resource = resource;
        self
    }

    /// The resource it belongs to, if it does.
    pub fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }

    /// Which API it is.
    pub fn side(&self) -> Side {
        self.side
    }
}

impl Client {
    /// The account's host.
    pub fn account(&self) -> Host {
        let base = self.hosts.account_host.trim_end_matches('/').to_owned();
        Host {
            base,
            side: Side::Account,
            resource: None,
        }
    }

    /// A path below the account.
    pub(super) fn account_path(&self, rest: &str) -> String {
        format!("/api/2.0/accounts/{}/{rest}", self.hosts.account_id)
    }

    fn template(&self) -> String {
        let derived = || format!("https://{PLACEHOLDER}.{}", self.hosts.workspace_domain);
        self.hosts
            .workspace_url_template
            .clone()
            .unwrap_or_else(derived)
    }

    /// The address of a workspace, or `None` if that cannot be a deployment name.
    pub fn workspace_url(&self, deployment_name: &str) -> Option<String> {
        let label = deployment_name.to_ascii_lowercase();
        self.is_name(&label)
            .then(|| self.template().replace(PLACEHOLDER, &label))
    }

    /// The deployment name in a host that the vendor names without scheme and port; `None` if it is not one below the
    /// configured domain.
    pub fn deployment_name(&self, host: &str) -> Option<String> {
        let host = host.to_ascii_lowercase();
        let name = host.strip_suffix(&self.hosts.workspace_domain)?;
        let name = name.strip_suffix('.')?;
        self.is_name(name).then(|| name.to_owned())
    }

    /// Whether it can be a deployment name: so many labels at most.
    fn is_name(&self, text: &str) -> bool {
        text.split('.').count() <= self.hosts.labels && text.split('.').all(is_label)
    }

    /// A workspace's host, if it is a deployment name under the configured domain.
    ///
    /// # Errors
    /// [`Error::HostNotTrusted`]: no token may be sent there.
    pub fn workspace(&self, url: &str) -> Result<Host, Error> {
        let base = url.trim_end_matches('/');
        let template = self.template();
        let (before, after) = template
            .split_once(PLACEHOLDER)
            .ok_or(Error::HostNotTrusted)?;
        let label = base
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after.trim_end_matches('/')));
        match label {
            Some(label) if self.is_name(label) => Ok(Host {
                base: base.to_owned(),
                side: Side::Workspace,
                resource: None,
            }),
            _ => Err(Error::HostNotTrusted),
        }
    }
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::databricks::client::Settings;
    use crate::outbound::Outbound;
    use std::time::Duration;

    fn client(template: Option<&str>) -> Client {
        let settings = Settings {
            account_host: "https://accounts.example.com/".to_owned(),
            account_id: "a".to_owned(),
            client_id: "c".to_owned(),
            client_secret: "s".into(),
            workspace_domain: "cloud.databricks.com".to_owned(),
            workspace_url_template: template.map(str::to_owned),
            requests_per_second: 10,
            create_timeout: Duration::from_secs(60),
            call_timeout: Duration::from_secs(20),
        };
        Client::new(
            settings,
            Outbound::new(crate::outbound::Settings::default()).unwrap(),
        )
    }

    #[tokio::test]
    async fn only_hosts_of_the_configured_domain_are_trusted() {
        let client = client(None);
        let good = client.workspace_url("DBC-1a2b").unwrap();
        assert_eq!(good, "https://dbc-1a2b.cloud.databricks.com");
        assert!(client.workspace(&good).is_ok());
        for bad in [
            "http://dbc-1.cloud.databricks.com",
            "https://dbc-1.cloud.databricks.com.evil.example",
            "https://evil.example/.cloud.databricks.com",
            "https://evil.example#.cloud.databricks.com",
            "https://a.b.cloud.databricks.com",
            "https://user@dbc-1.cloud.databricks.com",
            "https://.cloud.databricks.com",
            "https://cloud.databricks.com",
            "https://dbc-1.cloud.databricks.com:444",
            "https://dbc-1.cloud.databricks.com/x",
            "",
        ] {
            assert!(client.workspace(bad).is_err(), "{bad}");
        }
        for bad in ["", "a.b", "a/b", "-a", "a-", "a@b", "ä", &"a".repeat(64)] {
            assert_eq!(client.workspace_url(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_may_have_two_labels_where_the_cloud_says_so() {
        let mut client = client(None);
        let host = "adb-5555555555555555.19.cloud.databricks.com";
        assert_eq!(client.deployment_name(host), None);
        client.hosts.labels = 2;
        let name = client.deployment_name(host).unwrap();
        assert_eq!(name, "adb-5555555555555555.19");
        let url = client.workspace_url(&name).unwrap();
        assert!(client.workspace(&url).is_ok());
        for bad in [
            "",
            "cloud.databricks.com",
            "a.b.c.cloud.databricks.com",
            "a..cloud.databricks.com",
            "evil.example",
        ] {
            assert_eq!(client.deployment_name(bad), None, "{bad}");
        }
        assert!(
            client
                .workspace("https://a.b.c.cloud.databricks.com")
                .is_err()
        );
    }

    #[tokio::test]
    async fn a_template_for_a_simulator() {
        let client = client(Some("http://{deployment_name}.cloud.test:8080"));
        let url = client.workspace_url("dbc-1").unwrap();
        assert_eq!(url, "http://dbc-1.cloud.test:8080");
        assert!(client.workspace(&url).is_ok());
        assert!(client.workspace("http://dbc-1.cloud.test:8081").is_err());
        assert!(
            client
                .workspace("https://dbc-1.cloud.databricks.com")
                .is_err()
        );
    }
}
