//! Tokens of Entra ID for one identity: an application with a secret, one that a federated token speaks for, or the
//! managed identity of the machine.
//!
//! The official crate does the exchange. Its own cache would keep a token that was refused, and would wait for a token to
//! end before it asks for the next; so each exchange has a credential of its own, which connects to nothing until then,
//! and [`bearer`] is the cache. That also reads a federated token's file anew each time, as it must be: it is replaced.
//!
//! What is no token is kept from the crate, which would repeat the question to a machine's metadata service for more than
//! a minute; [`IdentityError`] is made from the answer itself.

use super::door::{self, Door};
use super::failure::IdentityError;
use crate::bearer::{self, Granted, Token, Tokens};
use crate::clock::Clock;
use crate::outbound::{Outbound, Response, SendError};
use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, Secret, TokenCredential};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::{AsyncRawResponse, ClientMethodOptions, ClientOptions, HttpClient, Request};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId,
};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The label of the metrics.
const SERVICE: &str = "azure_identity";

/// One identity.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://login.microsoftonline.com`.
    pub authority_host: String,
    /// The tenant's id; empty with [`Proof::Managed`].
    pub tenant_id: String,
    /// The application's id. Without one, a managed identity is the machine's own (system-assigned).
    pub client_id: Option<String>,
    /// How it proves who it is.
    pub proof: Proof,
    /// An exchange gives up after this.
    pub timeout: Duration,
}

/// How an identity proves who it is.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A client secret.
    ClientSecret(SecretString),
    /// A token of another issuer, such as Kubernetes, that Entra ID trusts for the application.
    Federated {
        /// File that holds it, read at each exchange.
        token_file: PathBuf,
    },
    /// The platform knows: a managed identity of the machine or app.
    Managed,
}

/// One identity and its tokens. Cheap to clone; clones share the tokens.
#[derive(Clone)]
pub struct Identity(Arc<Tokens<Entra>>);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

impl Identity {
    /// An identity without tokens yet. Connects to nothing.
    pub fn new(settings: Settings, outbound: Outbound) -> Self {
        Self(Arc::new(Tokens::new(Entra {
            settings,
            outbound,
            clock: Clock::system(),
        })))
    }

    /// A token for an audience, which is a resource without `/.default`, that is good now.
    ///
    /// # Errors
    /// Why there is none; whatever was to be sent with it, was not.
    pub async fn token(&self, audience: &str) -> Result<Token, IdentityError> {
        self.0.get(&audience.to_owned()).await
    }

    /// Drops a token that was refused, unless it was replaced meanwhile.
    pub fn refused(&self, audience: &str, token: &Token) {
        self.0.refused(&audience.to_owned(), token);
    }
}

/// Where the tokens come from.
struct Entra {
    settings: Settings,
    outbound: Outbound,
    clock: Clock,
}

impl bearer::Source for Entra {
    type Key = String;
    type Error = IdentityError;

    async fn grant(&self, audience: &String) -> Result<Granted, IdentityError> {
        let managed = matches!(self.settings.proof, Proof::Managed);
        let exchange = Arc::new(Exchange {
            door: Door {
                outbound: if managed {
                    self.outbound.to_metadata()
                } else {
                    self.outbound.clone()
                },
                service: SERVICE,
                timeout: self.settings.timeout,
            },
            failed: Mutex::default(),
        });
        let credential = self.credential(exchange.clone()).await?;
        let scope = format!("{audience}/.default");
        match credential.get_token(&[&scope], None).await {
            Ok(token) => Ok(self.granted(&token)),
            Err(error) => Err(match (exchange.failed(), &self.settings.proof) {
                (Some(Failed::Unsent(why)), _) => IdentityError::no_answer(&why),
                (Some(Failed::Answered(answer)), Proof::ClientSecret(secret)) => {
                    IdentityError::answered(&answer, managed).without(secret)
                }
                (Some(Failed::Answered(answer)), _) => IdentityError::answered(&answer, managed),
                (None, _) => IdentityError::not_understood(&error.to_string()),
            }),
        }
    }
}

impl Entra {
    fn granted(&self, token: &AccessToken) -> Granted {
        let ends = token.expires_on.unix_timestamp();
        let left = ends - self.clock.now().timestamp();
        Granted {
            value: SecretString::from(token.token.secret()),
            lifetime: Duration::from_secs(u64::try_from(left).unwrap_or(0)),
        }
    }

    async fn credential(
        &self,
        exchange: Arc<Exchange>,
    ) -> Result<Arc<dyn TokenCredential>, IdentityError> {
        let mut options = door::client_options(exchange);
        let mut cloud = CustomConfiguration::default();
        cloud
            .authority_host
            .clone_from(&self.settings.authority_host);
        options.cloud = Some(Arc::new(CloudConfiguration::Custom(cloud)));
        let made = match &self.settings.proof {
            Proof::ClientSecret(secret) => self.with_secret(secret, options),
            Proof::Federated { token_file } => {
                let token = read(token_file).await?;
                self.with_assertion(token, options)
            }
            Proof::Managed => self.managed(options),
        };
        made.map_err(|error| IdentityError::misconfigured(&error.to_string()))
    }

    fn with_secret(
        &self,
        secret: &SecretString,
        client_options: ClientOptions,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let options = ClientSecretCredentialOptions { client_options };
        let secret = Secret::new(secret.expose_secret().to_owned());
        let (tenant, client) = (&self.settings.tenant_id, self.client_id());
        Ok(ClientSecretCredential::new(
            tenant,
            client,
            secret,
            Some(options),
        )?)
    }

    fn with_assertion(
        &self,
        token: SecretString,
        client_options: ClientOptions,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let options = ClientAssertionCredentialOptions { client_options };
        let (tenant, client) = (self.settings.tenant_id.clone(), self.client_id());
        Ok(ClientAssertionCredential::new(
            tenant,
            client,
            Assertion(token),
            Some(options),
        )?)
    }

    fn managed(
        &self,
        client_options: ClientOptions,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let user_assigned_id = self.settings.client_id.clone();
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: user_assigned_id.map(UserAssignedId::ClientId),
            client_options,
        };
        Ok(ManagedIdentityCredential::new(Some(options))?)
    }

    fn client_id(&self) -> String {
        self.settings.client_id.clone().unwrap_or_default()
    }
}

async fn read(file: &Path) -> Result<SecretString, IdentityError> {
    match tokio::fs::read_to_string(file).await {
        Ok(text) => Ok(SecretString::from(text.trim().to_owned())),
        Err(error) => {
            let words = format!("the federated token {}: {error}", file.display());
            Err(IdentityError::misconfigured(&words))
        }
    }
}

/// A federated token, for one exchange.
#[derive(Debug)]
struct Assertion(SecretString);

#[async_trait]
impl ClientAssertion for Assertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.expose_secret().to_owned())
    }
}

/// The transport of one exchange, which remembers what came if it was no token.
struct Exchange {
    door: Door,
    failed: Mutex<Option<Failed>>,
}

enum Failed {
    Unsent(SendError),
    Answered(Response),
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

impl Exchange {
    fn failed(&self) -> Option<Failed> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.take()
    }
}

#[async_trait]
impl HttpClient for Exchange {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let failed = match self.door.send(request).await {
            Ok(answer) if answer.status == 200 && answer.content_type != "text/html" => {
                return Ok(door::raw(answer));
            }
            Ok(answer) => Failed::Answered(answer),
            Err(error) => Failed::Unsent(error),
        };
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
        // Of this kind, for that is not repeated.
        Err(Error::with_message(ErrorKind::Other, "no token"))
    }
}
