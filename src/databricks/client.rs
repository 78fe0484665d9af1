//! One call: rate limit, token, send, understand.

use super::class::Class;
use super::error::{ApiError, Error, Side};
use super::host::Host;
use super::login::{Grant, Login, Oauth};
use super::oauth::Principal;
use super::values::is_id;
use crate::metrics;
use crate::outbound::{Authorization, Body, Outbound, Request, Response, SendError, Verb};
use crate::throttle::Throttle;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Largest answer in bytes, and largest list.
const ANSWER: usize = 1 << 20;
const LIST: usize = 16 << 20;
/// How long a 429 without `Retry-After` pauses a host.
const PAUSE: Duration = Duration::from_secs(1);

/// One account.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://accounts.cloud.databricks.com`.
    pub account_host: String,
    /// The account's UUID.
    pub account_id: String,
    /// Application id of the provisioning principal.
    pub client_id: String,
    /// Its OAuth secret.
    pub client_secret: SecretString,
    /// What follows the deployment name in a workspace's host: `cloud.databricks.com`.
    pub workspace_domain: String,
    /// Address of a workspace with `{deployment_name}` in it, where `https://{deployment_name}.<workspace_domain>`
    /// is not it: for a simulator, with plain http and a port.
    pub workspace_url_template: Option<String>,
    /// Calls per second to the account, and to each workspace, over all processes.
    pub requests_per_second: u32,
    /// A call that makes something gives up after this.
    pub create_timeout: Duration,
    /// Every other call gives up after this.
    pub call_timeout: Duration,
}

/// Where its calls may go.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// `https://accounts.cloud.databricks.com`.
    pub account_host: String,
    /// The account's UUID.
    pub account_id: String,
    /// What follows the deployment name in a workspace's host: `cloud.databricks.com`.
    pub workspace_domain: String,
    /// See [`Settings::workspace_url_template`].
    pub workspace_url_template: Option<String>,
    /// Of how many labels a deployment name consists at most.
    pub labels: usize,
}

/// How much it sends, and how long it waits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// See [`Settings::requests_per_second`].
    pub requests_per_second: u32,
    /// See [`Settings::create_timeout`].
    pub create_timeout: Duration,
    /// See [`Settings::call_timeout`].
    pub call_timeout: Duration,
}

/// The client of one account and its workspaces.
pub struct Client {
    pub(super) hosts: Hosts,
    limits: Limits,
    outbound: Outbound,
    login: Arc<dyn Login>,
    throttle: Throttle,
}

/// What kind of call it is: time-out and size follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One object.
    Read,
    /// Many objects.
    List,
    /// Makes something, and may take longer.
    Create,
    /// Any other change.
    Change,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    /// Verb.
    pub verb: Verb,
    /// Path from `/api` on; every id in it was checked.
    pub path: String,
    /// Query.
    pub query: Vec<(&'static str, String)>,
    /// JSON body.
    pub body: Option<Value>,
    /// Kind.
    pub kind: Kind,
}

/// Whose authority a call carries.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// None at all.
    Nobody,
    /// The provisioning principal's.
    Principal,
    /// A PAT's own.
    Pat(&'a SecretString),
}

impl Call {
    /// A call without query and body.
    pub fn new(verb: Verb, kind: Kind, path: impl Into<String>) -> Self {
        Self {
            verb,
            path: path.into(),
            query: Vec::new(),
            body: None,
            kind,
        }
    }

    /// Adds a JSON body.
    #[must_use]
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

impl Client {
    /// A client that proves itself by Databricks' own OAuth, with no tokens and full buckets.
    pub fn new(settings: Settings, outbound: Outbound) -> Self {
        let principal = Principal {
            outbound: outbound.clone(),
            client_id: settings.client_id,
            client_secret: settings.client_secret,
            timeout: settings.call_timeout,
        };
        let login = Oauth::new(principal, settings.account_id.clone());
        let hosts = Hosts {
            account_host: settings.account_host,
            account_id: settings.account_id,
            workspace_domain: settings.workspace_domain,
            workspace_url_template: settings.workspace_url_template,
            labels: 1,
        };
        let limits = Limits {
            requests_per_second: settings.requests_per_second,
            create_timeout: settings.create_timeout,
            call_timeout: settings.call_timeout,
        };
        Self::with(Arc::new(login), hosts, limits, outbound)
    }

    /// A client that proves itself as `login` does.
    pub fn with(login: Arc<dyn Login>, hosts: Hosts, limits: Limits, outbound: Outbound) -> Self {
        Self {
            throttle: Throttle::new(limits.requests_per_second),
            login,
            hosts,
            limits,
            outbound,
        }
    }

    /// How many live processes share the account's rate limit.
    pub fn set_processes(&self, live: u32) {
        self.throttle.set_processes(live);
    }

    /// The addresses of a workspace's name, asked for now.
    ///
    /// # Errors
    /// When no DNS server answers.
    pub async fn resolve(&self, host: &Host) -> Result<Vec<IpAddr>, Error> {
        let name = host.base.split_once("://").map_or("", |(_, rest)| rest);
        let name = name.rsplit_once(':').map_or(name, |(name, _)| name);
        let found = self.outbound.resolve(name).await;
        found.map_err(|error| Error::NotSent(error.to_string()))
    }

    /// Makes sure that there is a good token for this host.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn authenticate(&self, host: &Host) -> Result<(), Error> {
        self.login.grant(host).await.map(|_| ())
    }

    /// One call, for the JSON in its answer.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn json<T: DeserializeOwned>(&self, host: &Host, call: Call) -> Result<T, Error> {
        let response = self.exchange(host, call, Proof::Principal).await?;
        parse(host.side, &response)
    }

    /// One call whose answer's body does not matter, as long as it is not a web page.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn done(&self, host: &Host, call: Call, proof: Proof<'_>) -> Result<(), Error> {
        self.exchange(host, call, proof).await.map(|_| ())
    }

    /// Sends, and on one refusal of the token drops it and sends once more: the first had no effect.
    pub(super) async fn exchange(
        &self,
        host: &Host,
        call: Call,
        proof: Proof<'_>,
    ) -> Result<Response, Error> {
        self.throttle
            .take(&host.base, matches!(call.kind, Kind::Create | Kind::Change))
            .await
            .map_err(Error::HeldBack)?;
        let grant = match proof {
            Proof::Principal => Some(self.grant(host).await?),
            _ => None,
        };
        let first = self.once(host, &call, grant.as_ref(), proof).await;
        let (Some(grant), Err(Error::Api(error))) = (grant, &first) else {
            return first;
        };
        if error.class() != Class::Unauthenticated {
            return first;
        }
        self.login.refused(host, &grant);
        let grant = self.grant(host).await?;
        self.once(host, &call, Some(&grant), proof).await
    }

    async fn grant(&self, host: &Host) -> Result<Grant, Error> {
        let grant = self.login.grant(host).await;
        if let Err(Error::NoToken(error)) = &grant {
            self.heed(host, error);
        }
        grant
    }

    async fn once(
        &self,
        host: &Host,
        call: &Call,
        grant: Option<&Grant>,
        proof: Proof<'_>,
    ) -> Result<Response, Error> {
        let authorization = match (grant, proof) {
            (Some(grant), _) => Authorization::Bearer(grant.token.value.clone()),
            (None, Proof::Pat(value)) => Authorization::Bearer(value.clone()),
            (None, _) => Authorization::None,
        };
        let more = grant.map(|it| it.headers.as_slice()).unwrap_or_default();
        let more = more
            .iter()
            .map(|(name, value)| ((*name).into(), value.clone()));
        let body = match &call.body {
            Some(body) => Body::Json(Zeroizing::new(body.to_string().into_bytes())),
            None => Body::Empty,
        };
        let request = Request {
            service: host.side.service(),
            verb: call.verb,
            url: format!("{}{}", host.base, call.path),
            query: call.query.clone(),
            authorization,
            headers: more.collect(),
            body,
            timeout: if call.kind == Kind::Create {
                self.limits.create_timeout
            } else {
                self.limits.call_timeout
            },
            max_bytes: if call.kind == Kind::List {
                LIST
            } else {
                ANSWER
            },
        };
        let response = self
            .outbound
            .send(request)
            .await
            .map_err(|error| match error {
                SendError::NotSent(why) => Error::NotSent(why),
                SendError::Unknown(why) => Error::NoAnswer(why),
            })?;
        let is_page = response.content_type == "text/html"
            || response.body.trim_ascii_start().starts_with(b"<");
        if (200..300).contains(&response.status) && !is_page {
            return Ok(response);
        }
        let error = ApiError::parse(host.side, &response);
        self.heed(host, &error);
        Err(Error::Api(error))
    }

    /// A 429 pauses its host for everybody.
    fn heed(&self, host: &Host, error: &ApiError) {
        if error.class() == Class::Throttled {
            let longer = self
                .throttle
                .pause(&host.base, error.retry_after.unwrap_or(PAUSE));
            metrics::throttled(host.side.service(), longer);
        }
    }
}

/// The JSON of a 2xx answer. An error names the field, never a value.
pub(super) fn parse<T: DeserializeOwned>(side: Side, response: &Response) -> Result<T, Error> {
    serde_json::from_slice(&response.body).map_err(|error| Error::Unparseable {
        side,
        status: response.status,
        what: if error.is_data() {
            "JSON that lacks what it must have".to_owned()
        } else {
            "a body that is not JSON".to_owned()
        },
        request_id: response.request_id.clone(),
    })
}

/// The list in a 2xx answer, bare or wrapped.
pub(super) fn parse_list<T: DeserializeOwned>(
    host: &Host,
    response: &Response,
    name: &str,
) -> Result<Vec<T>, Error> {
    let value = parse(host.side, response)?;
    super::values::list(value, name).map_err(|_| Error::Unparseable {
        side: host.side,
        status: response.status,
        what: format!("something that is not a list of {name}"),
        request_id: response.request_id.clone(),
    })
}

/// An id, if it may stand in a path.
pub(super) fn in_path<'a>(id: &'a str, what: &'static str) -> Result<&'a str, Error> {
    if is_id(id) {
        Ok(id)
    } else {
        Err(Error::BadId(what))
    }
}
