//! Azure Resource Manager's wire: the only place that knows its paths, versions and JSON names.
//!
//! A call is sent once, by one token of Entra ID; on one 401 the token is dropped and the call repeated, for a refused
//! call did nothing. Addresses that Azure hands out (where a deployment tells how it goes, where a list goes on) are
//! followed only below the configured endpoint: a token goes nowhere else. Contract: Microsoft's ARM reference.

mod error;
pub mod groups;
pub mod limits;
pub mod networks;
pub mod workspaces;

pub use error::{ApiError, Error, Fault, SERVICE};

use super::Identity;
use crate::bearer::Token;
use crate::metrics;
use crate::outbound::{Authorization, Body, Outbound, Request, Response, SendError, Verb};
use crate::throttle::Throttle;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Largest answer in bytes.
const ANSWER: usize = 4 << 20;
/// How long a 429 that names no time pauses everybody.
const PAUSE: Duration = Duration::from_secs(5);
/// More pages than any subscription has workspaces for.
const PAGES: usize = 200;

/// One subscription.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://management.azure.com`.
    pub endpoint: String,
    /// What a token must be for.
    pub audience: String,
    /// The subscription's UUID.
    pub subscription: String,
    /// Calls per second, over all processes.
    pub requests_per_second: u32,
    /// A call that makes something gives up after this.
    pub create_timeout: Duration,
    /// Every other call gives up after this.
    pub call_timeout: Duration,
}

/// The client of one subscription.
pub struct Arm {
    settings: Settings,
    outbound: Outbound,
    identity: Identity,
    throttle: Throttle,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink")]
    next: Option<String>,
}

impl Arm {
    /// A client with a full bucket.
    pub fn new(settings: Settings, identity: Identity, outbound: Outbound) -> Self {
        Self {
            throttle: Throttle::new(settings.requests_per_second),
            settings,
            outbound,
            identity,
        }
    }

    /// How many live processes share the rate limit.
    pub fn set_processes(&self, live: u32) {
        self.throttle.set_processes(live);
    }

    /// The subscription.
    pub fn subscription(&self) -> &str {
        &self.settings.subscription
    }

    fn url(&self, path: &str, version: &str) -> String {
        format!("{}{path}?api-version={version}", self.settings.endpoint)
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, Error> {
        let response = self.call(Verb::Get, url, None).await?;
        parse(&response)
    }

    /// Every page of a list.
    async fn all<T: DeserializeOwned>(&self, url: String) -> Result<Vec<T>, Error> {
        let (mut all, mut next) = (Vec::new(), Some(url));
        for _ in 0..PAGES {
            let Some(url) = next else { return Ok(all) };
            let page: Page<T> = self.get(&url).await?;
            all.extend(page.value);
            next = page.next.filter(|it| !it.is_empty());
        }
        Err(Error::Unparseable(200))
    }

    /// An address below the endpoint that Azure handed out, whole or without host; `None` if it is elsewhere.
    fn below(&self, link: &str) -> Option<String> {
        let whole = match link.strip_prefix('/') {
            Some(_) => format!("{}{link}", self.settings.endpoint),
            None => link.to_owned(),
        };
        let rest = whole.strip_prefix(&self.settings.endpoint)?;
        (rest.starts_with('/') && whole.len() <= 8192).then_some(whole)
    }

    async fn call(&self, verb: Verb, url: &str, body: Option<&Value>) -> Result<Response, Error> {
        let url = self.below(url).ok_or(Error::NotTrusted)?;
        let changes = verb != Verb::Get;
        self.throttle
            .take(&self.settings.endpoint, changes)
            .await
            .map_err(Error::HeldBack)?;
        let token = self.token().await?;
        let first = self.once(verb, &url, body, &token).await;
        match &first {
            Err(Error::Api(error)) if is_refused_token(error) => {
                self.identity.refused(&self.settings.audience, &token);
                let token = self.token().await?;
                self.once(verb, &url, body, &token).await
            }
            _ => first,
        }
    }

    async fn token(&self) -> Result<Token, Error> {
        let token = self.identity.token(&self.settings.audience).await;
        token.map_err(|error| Error::NoToken(Box::new(error)))
    }

    async fn once(
        &self,
        verb: Verb,
        url: &str,
        body: Option<&Value>,
        token: &Token,
    ) -> Result<Response, Error> {
        let timeout = match verb {
            Verb::Put => self.settings.create_timeout,
            _ => self.settings.call_timeout,
        };
        // A new one each time: Azure answers a repeated one from memory.
        let id = SecretString::from(Uuid::new_v4().to_string());
        let request = Request {
            service: SERVICE,
            verb,
            url: url.to_owned(),
            query: Vec::new(),
            authorization: Authorization::Bearer(token.value.clone()),
            headers: vec![("x-ms-client-request-id".into(), id)],
            body: body.map_or(Body::Empty, |it| {
                Body::Json(Zeroizing::new(it.to_string().into_bytes()))
            }),
            timeout,
            max_bytes: ANSWER,
        };
        let sent = self.outbound.send(request).await;
        let response = sent.map_err(|error| match error {
            SendError::NotSent(why) => Error::NotSent(why),
            SendError::Unknown(why) => Error::NoAnswer(why),
        })?;
        // A proxy's or portal's page is no answer, whatever its status.
        let is_page = response.content_type == "text/html";
        if (200..300).contains(&response.status) {
            return match is_page {
                true => Err(Error::Unparseable(response.status)),
                false => Ok(response),
            };
        }
        let error = ApiError::parse(&response);
        if error.status == 429 {
            let pause = error.retry_after.unwrap_or(PAUSE);
            let longer = self.throttle.pause(&self.settings.endpoint, pause);
            metrics::throttled(SERVICE, longer);
        }
        Err(Error::Api(error))
    }
}

/// A token of the wrong tenant stays wrong.
fn is_refused_token(error: &ApiError) -> bool {
    error.status == 401 && error.code() != "InvalidAuthenticationTokenTenant"
}

fn parse<T: DeserializeOwned>(response: &Response) -> Result<T, Error> {
    serde_json::from_slice(&response.body).map_err(|_| Error::Unparseable(response.status))
}

/// Absent is `None`.
fn if_there<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
