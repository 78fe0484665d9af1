//! What a client has to know of the simulated world: addresses and its own credentials.

use std::net::SocketAddr;

use serde::Serialize;

use crate::azure::AzureWorld;
use crate::chance::Chance;

/// Addresses and credentials of one running simulator, printed by the binary as one JSON line.
#[derive(Clone, Debug, Serialize)]
pub struct World {
    /// Base URL of the account API and its OAuth endpoints.
    pub account_host: String,
    /// The Databricks account.
    pub account_id: String,
    /// OAuth client id (the application id) of the provisioning service principal.
    pub client_id: String,
    /// OAuth client secret of the provisioning service principal.
    pub client_secret: String,
    /// URL of a workspace; contains the literal `{deployment_name}`.
    pub workspace_url_template: String,
    /// Issuer of the bearer tokens of callers.
    pub issuer: String,
    /// The issuer's keys.
    pub jwks_uri: String,
    /// Audience of the bearer tokens of callers.
    pub audience: String,
    /// Name server for the workspace zone, UDP and TCP.
    pub dns: SocketAddr,
    /// Base URL of Vault (KV v2 is mounted at `secret`).
    pub vault_address: String,
    /// A token that may write below `secret`.
    pub vault_token: String,
    /// Role of Vault's auth method `approle`.
    pub vault_role_id: String,
    /// Its secret.
    pub vault_secret_id: String,
    /// Role of Vault's auth method `kubernetes`.
    pub vault_kubernetes_role: String,
    /// The service account's token that may log in to it.
    pub vault_kubernetes_jwt: String,
    /// Base URL of AWS Secrets Manager.
    pub aws_endpoint: String,
    /// Its region.
    pub aws_region: String,
    /// The access key that may do everything there.
    pub aws_access_key_id: String,
    /// Its secret.
    pub aws_secret_access_key: String,
    /// Azure: Entra ID, Resource Manager, a key vault.
    pub azure: AzureWorld,
}

impl World {
    pub(crate) fn new(
        http: SocketAddr,
        dns: SocketAddr,
        azure: AzureWorld,
        chance: &mut Chance,
    ) -> World {
        let home = format!("http://{http}");
        World {
            account_id: chance.uuid(),
            client_id: chance.uuid(),
            client_secret: format!("dose{}", chance.hex(32)),
            workspace_url_template: format!(
                "http://{{deployment_name}}.cloud.brickyard.test:{}",
                http.port()
            ),
            issuer: format!("{home}/issuer"),
            jwks_uri: format!("{home}/issuer/jwks"),
            audience: "brickyard".into(),
            dns,
            vault_address: home.clone(),
            vault_token: format!("hvs.{}", chance.hex(24)),
            vault_role_id: chance.uuid(),
            vault_secret_id: chance.uuid(),
            vault_kubernetes_role: "brickyard".into(),
            vault_kubernetes_jwt: format!(
                "eyJhbGciOiJSUzI1NiJ9.{}.{}",
                chance.hex(32),
                chance.hex(32)
            ),
            aws_endpoint: home.clone(),
            aws_region: "us-west-2".into(),
            aws_access_key_id: format!("AKIA{}", chance.hex(16).to_uppercase()),
            aws_secret_access_key: chance.hex(40),
            azure,
            account_host: home,
        }
    }

    /// The URL of a workspace.
    pub fn workspace_url(&self, deployment_name: &str) -> String {
        self.workspace_url_template
            .replace("{deployment_name}", deployment_name)
    }
}
