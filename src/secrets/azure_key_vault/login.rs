//! The identity as the official client wants it, and the transport that sees when its token is refused.
//!
//! The client keeps a token itself as long as it lives; here each one is lent as if it had ended, so that it is asked for
//! at every call and [`Identity`] alone decides. On a 401 the token that was sent is dropped before the client, which
//! repeats a call once after a challenge, asks for the next.
//!
//! The client takes every 200 for success where it needs nothing of the answer: somebody's page is told apart here.
//!
//! Whom a token is for, the vault says in its challenge. The client checks that the vault's host lies below the host that
//! it names, so that no vault gets a token for something else.

use crate::azure::{Door, Identity};
use crate::bearer::Token;
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::{AUTHORIZATION, CONTENT_TYPE};
use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use azure_core::time::OffsetDateTime;
use secrecy::ExposeSecret;
use std::sync::{Mutex, PoisonError};

/// The way to one vault.
#[derive(Debug)]
pub(super) struct Login {
    door: Door,
    identity: Identity,
    /// What was lent last, and for what.
    lent: Mutex<Option<(String, Token)>>,
}

impl Login {
    pub(super) fn new(door: Door, identity: Identity) -> Self {
        Self {
            door,
            identity,
            lent: Mutex::default(),
        }
    }

    fn refused(&self, request: &Request) {
        let sent = request.headers().get_optional_str(&AUTHORIZATION);
        let sent = sent.and_then(|it| it.strip_prefix("Bearer "));
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(sent), Some((audience, token))) = (sent, &*lent)
            && token.value.expose_secret() == sent
        {
            self.identity.refused(audience, token);
        }
    }
}

#[async_trait]
impl HttpClient for Login {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = self.door.execute_request(request).await?;
        if u16::from(answer.status()) == 401 {
            self.refused(request);
        }
        let kind = answer.headers().get_optional_str(&CONTENT_TYPE);
        if answer.status().is_success() && kind.is_some_and(|it| it.starts_with("text/html")) {
            let words = "a page instead of an answer";
            return Err(Error::with_message(ErrorKind::DataConversion, words));
        }
        Ok(answer)
    }
}

#[async_trait]
impl TokenCredential for Login {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let scope = scopes.first().copied().unwrap_or_default();
        let audience = scope.strip_suffix("/.default").unwrap_or(scope);
        let token = self.identity.token(audience).await;
        let token = token.map_err(|error| Error::new(ErrorKind::Credential, error))?;
        let value = Secret::new(token.value.expose_secret().to_owned());
        let mut lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        *lent = Some((audience.to_owned(), token));
        Ok(AccessToken::new(value, OffsetDateTime::UNIX_EPOCH))
    }
}
