//! How the provisioning principal enters a workspace on Azure: by a token of Entra ID for Databricks, and, since a young
//! workspace does not know it, with a second one that proves its role on the resource. Who may contribute to the resource
//! is let in and becomes an administrator. Databricks' own SDKs send both with every call.

use crate::azure::{Identity, IdentityError};
use crate::databricks::Error;
use crate::databricks::host::Host;
use crate::databricks::login::{Grant, Login};
use crate::domain::azure::DATABRICKS_AUDIENCE as DATABRICKS;
use async_trait::async_trait;
use secrecy::SecretString;

const MANAGEMENT_TOKEN: &str = "x-databricks-azure-sp-management-token";
const RESOURCE_ID: &str = "x-databricks-azure-workspace-resource-id";

/// The principal and where it proves itself.
pub(super) struct Entra {
    pub(super) identity: Identity,
    /// Audience of Azure Resource Manager.
    pub(super) management: String,
}

#[async_trait]
impl Login for Entra {
    async fn grant(&self, host: &Host) -> Result<Grant, Error> {
        let token = self.identity.token(DATABRICKS).await.map_err(no_login)?;
        let mut headers = Vec::new();
        if let Some(resource) = host.resource() {
            let management = self.identity.token(&self.management).await;
            let management = management.map_err(no_login)?;
            headers.push((MANAGEMENT_TOKEN, management.value));
            headers.push((RESOURCE_ID, SecretString::from(resource)));
        }
        Ok(Grant { token, headers })
    }

    fn refused(&self, _: &Host, grant: &Grant) {
        self.identity.refused(DATABRICKS, &grant.token);
    }
}

fn no_login(error: IdentityError) -> Error {
    Error::NoLogin {
        passes: error.passes,
        retry_after: error.retry_after,
        explanation: Box::new(error.explanation()),
    }
}
