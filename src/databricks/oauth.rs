//! OAuth tokens of the provisioning principal: one per host, shared by all workers as [`bearer`] does it.

use super::error::{ApiError, Error, Side};
use crate::bearer::{self, Granted};
use crate::outbound::{Authorization, Body, Outbound, Request, SendError, Verb};
use secrecy::SecretString;
use serde::Deserialize;
use std::time::Duration;

/// The tokens of one principal.
pub type Tokens = bearer::Tokens<Principal>;

/// Who asks for tokens.
pub struct Principal {
    /// The way out.
    pub outbound: Outbound,
    /// Application id.
    pub client_id: String,
    /// OAuth secret.
    pub client_secret: SecretString,
    /// Asking gives up after this.
    pub timeout: Duration,
}

/// Whom it asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Address of the token endpoint.
    pub url: String,
    /// Whose endpoint it is.
    pub side: Side,
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    expires_in: u64,
}

impl bearer::Source for Principal {
    type Key = Endpoint;
    type Error = Error;

    async fn grant(&self, endpoint: &Endpoint) -> Result<Granted, Error> {
        let request = Request {
            service: endpoint.side.service(),
            verb: Verb::Post,
            url: endpoint.url.clone(),
            query: Vec::new(),
            authorization: Authorization::Basic {
                user: self.client_id.clone(),
                password: self.client_secret.clone(),
            },
            headers: Vec::new(),
            body: Body::Form(vec![
                ("grant_type", "client_credentials".to_owned()),
                ("scope", "all-apis".to_owned()),
            ]),
            timeout: self.timeout,
            max_bytes: 64 * 1024,
        };
        let response = match self.outbound.send(request).await {
            Ok(response) => response,
            Err(SendError::NotSent(why)) => return Err(Error::NotSent(why)),
            Err(SendError::Unknown(why)) => return Err(Error::NoTokenAnswer(why)),
        };
        if !(200..300).contains(&response.status) || response.content_type == "text/html" {
            return Err(Error::NoToken(ApiError::parse(endpoint.side, &response)));
        }
        let answer: Answer = serde_json::from_slice(&response.body)
            .map_err(|_| Error::NoTokenAnswer("a body that is not a token".to_owned()))?;
        Ok(Granted {
            value: answer.access_token,
            lifetime: Duration::from_secs(answer.expires_in),
        })
    }
}
