//! What a client has to know of the simulated Azure.

use std::net::SocketAddr;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};

use crate::chance::Chance;

/// The zone of Azure's own names.
pub(crate) const ZONE: &str = "azure.brickyard.test";

/// The key vault's name.
pub(crate) const VAULT: &str = "kv-brickyard";

/// The zone of its workspaces.
pub(crate) const WORKSPACES: &str = "azuredatabricks.brickyard.test";

/// Far away: 1 January 2100.
const FAR: i64 = 4_102_444_800;

/// Addresses and credentials of the simulated Azure: one tenant, one application, one subscription, one key vault.
#[derive(Clone, Debug, Serialize)]
pub struct AzureWorld {
    /// Entra ID's URL.
    pub authority_host: String,
    /// Azure Resource Manager's URL, and the resource that its tokens are for.
    pub arm_endpoint: String,
    /// The tenant.
    pub tenant_id: String,
    /// The application's id.
    pub client_id: String,
    /// The id of the application's service principal.
    pub object_id: String,
    /// The application's secret.
    pub client_secret: String,
    /// A token of another issuer that the application may log in with instead.
    pub federated_token: String,
    /// The subscription, which the application may do everything in.
    pub subscription_id: String,
    /// An empty resource group of it.
    pub resource_group: String,
    /// Where it and the network are.
    pub location: String,
    /// The id of an existing virtual network, `shared` in the resource group `network`.
    pub vnet_id: String,
    /// A subnet of it for the hosts of a workspace, delegated and with a security group.
    pub public_subnet: String,
    /// Likewise for its containers.
    pub private_subnet: String,
    /// A subnet of it that is not delegated.
    pub other_subnet: String,
    /// The key vault's URL.
    pub vault_url: String,
    /// The zone of workspaces; ARM answers names in it, without scheme and port.
    pub workspace_domain: String,
    /// URL of a workspace; contains the literal `{deployment_name}`, the first two labels of its name.
    pub workspace_url_template: String,
    /// The authority behind the certificate of all that is `https` here.
    pub ca_pem: String,
    /// A file that holds it, for as long as the simulator runs.
    pub ca_file: PathBuf,
    /// Where a machine asks for the token of its managed identity, without the path.
    pub imds_endpoint: String,
    /// Where an app service does, with the path.
    pub identity_endpoint: String,
    /// What it has to send as `X-IDENTITY-HEADER`.
    pub identity_header: String,
}

impl AzureWorld {
    /// The generator is its own: what the rest of the world is made of does not depend on Azure.
    pub(crate) fn new(
        http: SocketAddr,
        tls: SocketAddr,
        seed: u64,
        ca_pem: String,
        ca_file: PathBuf,
    ) -> AzureWorld {
        let mut chance = Chance::new(seed ^ 0x0061_7a75_7265);
        let subscription_id = chance.uuid();
        let port = tls.port();
        AzureWorld {
            authority_host: format!("https://login.{ZONE}:{port}"),
            arm_endpoint: format!("https://management.{ZONE}:{port}"),
            tenant_id: chance.uuid(),
            client_id: chance.uuid(),
            object_id: chance.uuid(),
            client_secret: format!("sim8Q~{}", chance.hex(34)),
            federated_token: federated_token(&mut chance),
            resource_group: "workspaces".into(),
            location: "westeurope".into(),
            vnet_id: format!(
                "/subscriptions/{subscription_id}/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/shared"
            ),
            subscription_id,
            public_subnet: "databricks-public".into(),
            private_subnet: "databricks-private".into(),
            other_subnet: "plain".into(),
            vault_url: format!("https://{VAULT}.vault.{ZONE}:{port}"),
            workspace_domain: WORKSPACES.into(),
            workspace_url_template: format!(
                "http://{{deployment_name}}.{WORKSPACES}:{}",
                http.port()
            ),
            ca_pem,
            ca_file,
            imds_endpoint: format!("http://{http}"),
            identity_endpoint: format!("http://{http}/msi/token"),
            identity_header: chance.uuid(),
        }
    }

    /// The URL of a workspace.
    pub fn workspace_url(&self, deployment_name: &str) -> String {
        self.workspace_url_template
            .replace("{deployment_name}", deployment_name)
    }
}

fn federated_token(chance: &mut Chance) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(json!({"alg": "RS256", "kid": chance.hex(16), "typ": "JWT"}));
    let claims = part(json!({
        "iss": "https://oidc.brickyard.test",
        "sub": "system:serviceaccount:brickyard:brickyard",
        "aud": ["api://AzureADTokenExchange"],
        "iat": 1_700_000_000,
        "nbf": 1_700_000_000,
        "exp": FAR,
    }));
    format!("{head}.{claims}.{}", chance.hex(64))
}
