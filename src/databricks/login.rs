//! How a call proves who sends it: Databricks' own OAuth, or what a cloud lends in its place.

use super::error::{Error, Side};
use super::host::Host;
use super::oauth::{Endpoint, Principal, Tokens};
use crate::bearer::Token;
use async_trait::async_trait;
use secrecy::SecretString;
use std::sync::Arc;

/// The proof for one call.
pub struct Grant {
    /// For `Authorization: Bearer`.
    pub token: Token,
    /// More headers, where the token alone is not enough.
    pub headers: Vec<(&'static str, SecretString)>,
}

/// Who lends proofs.
#[async_trait]
pub trait Login: Send + Sync {
    /// A proof that is good now.
    ///
    /// # Errors
    /// Why there is none; whatever was to be sent with it, was not.
    async fn grant(&self, host: &Host) -> Result<Grant, Error>;

    /// Drops a proof that was refused, unless it was replaced meanwhile.
    fn refused(&self, host: &Host, grant: &Grant);
}

/// Databricks' own: a service principal of the account, with an OAuth secret.
pub(super) struct Oauth {
    tokens: Arc<Tokens>,
    account_id: String,
}

impl Oauth {
    pub(super) fn new(principal: Principal, account_id: String) -> Self {
        Self {
            tokens: Arc::new(Tokens::new(principal)),
            account_id,
        }
    }

    fn endpoint(&self, host: &Host) -> Endpoint {
        let path = match host.side() {
            Side::Account => format!("/oidc/accounts/{}/v1/token", self.account_id),
            Side::Workspace => "/oidc/v1/token".to_owned(),
        };
        Endpoint {
            url: format!("{}{path}", host.base),
            side: host.side(),
        }
    }
}

#[async_trait]
impl Login for Oauth {
    async fn grant(&self, host: &Host) -> Result<Grant, Error> {
        let token = self.tokens.get(&self.endpoint(host)).await?;
        Ok(Grant {
            token,
            headers: Vec::new(),
        })
    }

    fn refused(&self, host: &Host, grant: &Grant) {
        self.tokens.refused(&self.endpoint(host), &grant.token);
    }
}
