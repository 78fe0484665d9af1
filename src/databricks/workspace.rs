//! The workspace API: is it there, who are we, and the PATs.

use super::client::{Call, Client, Kind, Proof, in_path, parse, parse_list};
use super::error::Error;
use super::host::Host;
use super::values::{id_text, text, time};
use crate::outbound::Verb;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

const ME: &str = "/api/2.0/preview/scim/v2/Me";

/// A PAT as listed; never its value.
#[derive(Debug, Clone, Deserialize)]
pub struct TokenInfo {
    /// 64 hex digits.
    #[serde(deserialize_with = "id_text")]
    pub token_id: String,
    /// Free text.
    #[serde(default, deserialize_with = "text")]
    pub comment: String,
    /// ms since the epoch; absent if it never ends.
    #[serde(default, deserialize_with = "time")]
    pub expiry_time: Option<i64>,
}

/// A PAT just minted.
#[derive(Deserialize)]
pub struct Minted {
    /// The value; wiped when dropped.
    pub token_value: SecretString,
    /// The rest.
    pub token_info: TokenInfo,
}

/// Who a token belongs to.
#[derive(Deserialize)]
struct Me {
    #[serde(rename = "id", deserialize_with = "id_text")]
    _id: String,
}

impl Client {
    /// Reads the OAuth discovery document: the host is up.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn discover(&self, host: &Host) -> Result<(), Error> {
        #[derive(Deserialize)]
        struct Document {
            #[serde(rename = "token_endpoint")]
            _token_endpoint: String,
        }
        let path = "/oidc/.well-known/oauth-authorization-server";
        let call = Call::new(Verb::Get, Kind::Read, path);
        let response = self.exchange(host, call, Proof::Nobody).await?;
        parse::<Document>(host.side(), &response).map(|_| ())
    }

    /// Asks who we are, as the provisioning principal or with a PAT.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn me(&self, host: &Host, proof: Proof<'_>) -> Result<(), Error> {
        let call = Call::new(Verb::Get, Kind::Read, ME).query("excludedAttributes", "entitlements");
        let response = self.exchange(host, call, proof).await?;
        parse::<Me>(host.side(), &response).map(|_| ())
    }

    /// Mints a PAT for ourselves.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn mint(&self, host: &Host, seconds: u32, comment: &str) -> Result<Minted, Error> {
        let call = Call::new(Verb::Post, Kind::Create, "/api/2.0/token/create");
        self.json(
            host,
            call.body(json!({ "lifetime_seconds": seconds, "comment": comment })),
        )
        .await
    }

    /// Mints a PAT for a service principal of the workspace.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn mint_on_behalf_of(
        &self,
        host: &Host,
        application_id: &str,
        seconds: u32,
        comment: &str,
    ) -> Result<Minted, Error> {
        let path = "/api/2.0/token-management/on-behalf-of/tokens";
        let call = Call::new(Verb::Post, Kind::Create, path).body(json!({
            "application_id": application_id,
            "lifetime_seconds": seconds,
            "comment": comment,
        }));
        self.json(host, call).await
    }

    /// Our own live PATs.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_own_tokens(&self, host: &Host) -> Result<Vec<TokenInfo>, Error> {
        self.list_tokens(host, "/api/2.0/token/list").await
    }

    /// Everybody's live PATs, as admin.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_all_tokens(&self, host: &Host) -> Result<Vec<TokenInfo>, Error> {
        self.list_tokens(host, "/api/2.0/token-management/tokens")
            .await
    }

    async fn list_tokens(&self, host: &Host, path: &str) -> Result<Vec<TokenInfo>, Error> {
        let call = Call::new(Verb::Get, Kind::List, path);
        let response = self.exchange(host, call, Proof::Principal).await?;
        parse_list(host, &response, "token_infos")
    }

    /// Revokes one of our own PATs.
    ///
    /// # Errors
    /// [`Error`], also if it does not exist.
    pub async fn revoke_own_token(&self, host: &Host, token_id: &str) -> Result<(), Error> {
        let call = Call::new(Verb::Post, Kind::Change, "/api/2.0/token/delete");
        let call = call.body(json!({ "token_id": in_path(token_id, "token_id")? }));
        self.done(host, call, Proof::Principal).await
    }

    /// Revokes anybody's PAT, as admin.
    ///
    /// # Errors
    /// [`Error`], also if it does not exist.
    pub async fn revoke_any_token(&self, host: &Host, token_id: &str) -> Result<(), Error> {
        let id = in_path(token_id, "token_id")?;
        let path = format!("/api/2.0/token-management/tokens/{id}");
        let call = Call::new(Verb::Delete, Kind::Change, path);
        self.done(host, call, Proof::Principal).await
    }

    /// Lets a service principal own tokens. PATCH adds; PUT would revoke the tokens of everybody left out.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn allow_tokens(&self, host: &Host, application_id: &str) -> Result<(), Error> {
        let path = "/api/2.0/permissions/authorization/tokens";
        let call = Call::new(Verb::Patch, Kind::Change, path).body(json!({
            "access_control_list": [{
                "service_principal_name": application_id,
                "permission_level": "CAN_USE",
            }],
        }));
        self.done(host, call, Proof::Principal).await
    }
}
