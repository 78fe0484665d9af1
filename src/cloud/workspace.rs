//! Databricks' own API at the host of one workspace: the same in every cloud.

use super::failure::{Act, explain, removed};
use super::{
    CloudError, Failure, ListedToken, MintedToken, Probe, Result, ServicePrincipal, TokenOwner,
};
use crate::databricks::client::Proof;
use crate::databricks::error::Shape;
use crate::databricks::host::Host;
use crate::databricks::workspace::Minted;
use crate::databricks::{Class, Client, Error};
use crate::domain::external::{ExternalWorkspace, UpstreamId};
use crate::domain::problem::Code;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The API of one workspace.
pub(super) struct Api<'c> {
    client: &'c Client,
    host: Host,
}

impl<'c> Api<'c> {
    /// Of this workspace, if its host is one that may get our tokens.
    pub(super) fn at(client: &'c Client, workspace: &ExternalWorkspace) -> Result<Self> {
        let host = client.workspace(&workspace.url);
        let host = host.map_err(|error| explain(error, Act::Read, "calling the workspace"))?;
        let resource = match &workspace.id {
            UpstreamId::Resource(id) => Some(id.clone()),
            UpstreamId::Number(_) => None,
        };
        Ok(Self {
            client,
            host: host.of(resource),
        })
    }

    pub(super) async fn probe(&self) -> Result<Probe> {
        let (client, host) = (self.client, &self.host);
        match client.resolve(host).await {
            Ok(addresses) if addresses.is_empty() => return Ok(Probe::NoName),
            Ok(_) => {}
            Err(error) => return Ok(Probe::NotReady(error.to_string())),
        }
        if let Err(error) = client.discover(host).await {
            return not_ready(error, "reading the discovery document");
        }
        if let Err(error) = client.authenticate(host).await {
            return not_ready(error, "fetching a token");
        }
        if let Err(error) = client.me(host, Proof::Principal).await {
            return not_ready(error, "asking who we are");
        }
        Ok(Probe::Good)
    }

    /// In a workspace without any token the vendor has no permissions object to add to. That is passed over: an
    /// admin may mint on behalf of a principal, and if that needs the permission after all, minting says so.
    pub(super) async fn allow_tokens(&self, principal: &ServicePrincipal) -> Result<()> {
        let id = &principal.application_id;
        match self.client.allow_tokens(&self.host, id).await {
            Err(error) if error.class() == Some(Class::TokenPermissionsMissing) => Ok(()),
            done => done.map_err(|error| explain(error, Act::Admit, "permitting tokens")),
        }
    }

    /// For a service principal this is every token an admin sees, whoever owns it: tokens are known by id or
    /// marker, and how the vendor names the owner of one minted on behalf is not documented.
    pub(super) async fn list_tokens(&self, owner: TokenOwner<'_>) -> Result<Vec<ListedToken>> {
        let found = match owner {
            TokenOwner::Provisioner => self.client.list_own_tokens(&self.host).await,
            TokenOwner::ServicePrincipal(_) => self.client.list_all_tokens(&self.host).await,
        };
        let found = found.map_err(|error| explain(error, Act::Read, "listing tokens"))?;
        let listed = found.into_iter().map(|token| ListedToken {
            id: token.token_id,
            comment: token.comment,
            expires_at_ms: token.expiry_time,
        });
        Ok(listed.collect())
    }

    pub(super) async fn mint(
        &self,
        owner: TokenOwner<'_>,
        lifetime_seconds: u32,
        comment: &str,
    ) -> Result<MintedToken> {
        let (client, host) = (self.client, &self.host);
        let (act, answer) = match owner {
            TokenOwner::Provisioner => (
                Act::Mint,
                client.mint(host, lifetime_seconds, comment).await,
            ),
            TokenOwner::ServicePrincipal(principal) => {
                let id = &principal.application_id;
                let answer = client
                    .mint_on_behalf_of(host, id, lifetime_seconds, comment)
                    .await;
                (Act::MintOnBehalf, answer)
            }
        };
        minted(answer.map_err(|error| explain(error, act, "minting a token"))?)
    }

    pub(super) async fn revoke(&self, owner: TokenOwner<'_>, token_id: &str) -> Result<()> {
        let (client, host) = (self.client, &self.host);
        let gone = match owner {
            TokenOwner::Provisioner => client.revoke_own_token(host, token_id).await,
            TokenOwner::ServicePrincipal(_) => client.revoke_any_token(host, token_id).await,
        };
        removed(gone, "revoking a token")
    }

    pub(super) async fn try_token(&self, value: &SecretString) -> Result<()> {
        let tried = self.client.me(&self.host, Proof::Pat(value)).await;
        tried.map_err(|error| explain(error, Act::Read, "trying the token"))
    }
}

/// Most failures of a young workspace pass. What is ours to wait out or can never pass is an error.
fn not_ready(error: Error, doing: &str) -> Result<Probe> {
    let private = matches!(&error, Error::Api(answer) if answer.shape == Shape::PrivateLink);
    let explained = explain(error, Act::Read, doing);
    match explained.failure {
        Failure::Throttled(_) => Err(explained),
        _ if private => {
            let hint = "Set `reachable_from_here = false` in the template, or run Brickyard where the private \
                        connection ends.";
            let explanation = Box::new(explained.explanation.hint(hint));
            Err(CloudError {
                failure: Failure::Refused,
                explanation,
            })
        }
        _ => Ok(Probe::NotReady(explained.explanation.detail)),
    }
}

/// A PAT that can be used.
fn minted(minted: Minted) -> Result<MintedToken> {
    let id = minted.token_info.token_id;
    let value = minted.token_value.expose_secret();
    let digest: String = Sha256::digest(value)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let is_digest = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
    // Observed, not documented: the id is the value's SHA-256. A value that is not the one of this id is of no use.
    if value.is_empty() || (is_digest && !id.eq_ignore_ascii_case(&digest)) {
        let detail = "minting a token: its value is missing or does not belong to its id";
        return Err(CloudError::new(
            Failure::Unknown,
            Code::UpstreamUnparseable,
            detail,
            None,
        ));
    }
    Ok(MintedToken {
        id,
        value: minted.token_value,
        expires_at_ms: minted.token_info.expiry_time,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::databricks::workspace::TokenInfo;

    fn mint(id: &str, value: &str) -> Result<MintedToken> {
        let token_info = TokenInfo {
            token_id: id.to_owned(),
            comment: String::new(),
            expiry_time: None,
        };
        minted(Minted {
            token_value: value.into(),
            token_info,
        })
    }

    #[test]
    fn a_value_must_belong_to_its_id() {
        let digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"; // "foo"
        assert!(mint(digest, "foo").is_ok());
        assert!(mint(&digest.to_uppercase(), "foo").is_ok());
        assert!(mint("an-id-of-another-form", "foo").is_ok());
        for (id, value) in [(digest, "bar"), (digest, ""), ("other", "")] {
            assert_eq!(mint(id, value).err().unwrap().failure, Failure::Unknown);
        }
    }
}
