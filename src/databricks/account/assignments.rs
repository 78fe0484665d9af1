//! Who may enter which workspace.

use crate::databricks::client::{Call, Client, Kind, Proof, in_path};
use crate::databricks::error::Error;
use crate::outbound::Verb;
use serde_json::json;

impl Client {
    /// Makes a principal a user of a workspace. The same again changes nothing.
    ///
    /// # Errors
    /// [`Error`]; for a young workspace often one that passes.
    pub async fn assign_user(&self, workspace: i64, principal: &str) -> Result<(), Error> {
        let principal = in_path(principal, "principal id")?;
        let path = format!("workspaces/{workspace}/permissionassignments/principals/{principal}");
        let call = Call::new(Verb::Put, Kind::Change, self.account_path(&path))
            .body(json!({ "permissions": ["USER"] }));
        self.done(&self.account(), call, Proof::Principal).await
    }
}
