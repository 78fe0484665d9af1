//! The doorkeeper: from a bearer token to a principal with roles, and from a principal to a decision.
//!
//! A request's `Authorization` header is taken literally ([`compact`]), the issuer it claims chooses the keys
//! ([`jwks`]) and the policy, and one pure function ([`jwt::verify`]) says yes or names the rule that is broken. The
//! issuer's rules turn verified claims into roles ([`rules`]); [`policy`] holds the one permission table. [`login`] knows
//! where people get a token for the documentation page.
//!
//! It refuses to issue, store or print tokens; to know passwords, sessions or symmetric keys; to tell a caller why a
//! token was refused ([`AuthError`] says nothing, the log names the rule); and to believe anything about an issuer
//! that is not in the configuration.

pub mod algorithm;
mod cache;
pub mod compact;
mod discovery;
pub mod jwks;
pub mod jwt;
pub mod login;
pub mod policy;
pub mod refusal;
pub mod rules;

#[cfg(test)]
mod test_tokens;
#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use cache::{Fetch, Fetched};
pub use login::{Login, LoginClient};
pub use policy::{
    Action, Decision, Grant, Principal, Role, Teams, decide, requestable_teams, visible_teams,
};
pub use refusal::Refusal;
pub use rules::{Pattern, Rule, TeamSource};

use crate::clock::Clock;
use cache::{Keys, Source, Unavailable};
use jwt::{IssuerPolicy, Unverified};
use std::collections::HashMap;
use std::sync::Arc;

/// Deepest nesting of a token's parts and of key sets (rule J8).
const MAX_DEPTH: usize = 16;

/// The trusted issuers.
pub type Settings = Vec<IssuerSettings>;

/// One trusted issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerSettings {
    /// Our name for it; part of principal ids, so it must not change.
    pub name: String,
    /// `iss`, exactly.
    pub issuer: String,
    /// What `aud` must contain.
    pub audience: String,
    /// Where its keys are; `None`: its discovery document says.
    pub jwks_url: Option<String>,
    /// Accepted algorithms.
    pub algorithms: Vec<Algorithm>,
    /// Longest `exp - iat` accepted.
    pub max_lifetime_seconds: u32,
    /// Whether it issues tokens to CI jobs: exactly one audience, at most one hour.
    pub ci: bool,
    /// Accepted `azp` and `client_id`; empty: any.
    pub authorized_parties: Vec<String>,
    /// The client by which people log in with it on the documentation page; at most one issuer has one.
    pub docs_client: Option<LoginClient>,
    /// From claims to roles.
    pub rules: Vec<Rule>,
}

/// Why a request has no principal. Carries nothing: the caller gets one text, the log has the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Return `401 Unauthorized` with `WWW-Authenticate: Bearer error="invalid_token"`.
    #[error("the request carries no valid token")]
    Unauthenticated,
    /// Return `503 Service Unavailable`: the token may be good, but its issuer's keys cannot be had.
    #[error("the issuer's signing keys are not available")]
    KeysUnavailable,
}

/// Verifies tokens of the configured issuers. Holds their keys; share it in an `Arc`.
pub struct Verifier {
    issuers: HashMap<String, Issuer>,
    clock: Clock,
}

struct Issuer {
    name: String,
    policy: IssuerPolicy,
    rules: Vec<Rule>,
    keys: Arc<Keys>,
}

/// CI tokens live an hour at most, everybody else's a day, whatever the configuration says (rule J6).
const MAX_CI_LIFETIME_SECONDS: u32 = 3600;
const MAX_LIFETIME_SECONDS: u32 = 24 * 3600;

impl Verifier {
    /// A verifier with empty key caches; `fetch` is [`crate::outbound::Outbound`] in the product.
    pub fn new(settings: Settings, fetch: Arc<dyn Fetch>, clock: Clock) -> Self {
        let issuers = settings
            .into_iter()
            .map(|settings| {
                let issuer = Issuer::new(settings, &fetch, &clock);
                (issuer.policy.issuer.clone(), issuer)
            })
            .collect();
        Self { issuers, clock }
    }

    /// The principal of a request, from all its `Authorization` headers.
    ///
    /// # Errors
    /// [`AuthError`]; the reason is logged, the token is not.
    pub async fn authenticate(
        &self,
        authorization_headers: &[&[u8]],
    ) -> Result<Principal, AuthError> {
        let (token, issuer) = match self.introduce(authorization_headers) {
            Ok(pair) => pair,
            Err(refusal) => return Err(refused(refusal, None)),
        };
        let name = Some(issuer.name.as_str());
        let keys = match issuer.keys.for_key(token.kid()).await {
            Ok(keys) => keys,
            Err(Unavailable) => return Err(AuthError::KeysUnavailable),
        };
        let now = self.clock.now().timestamp();
        match token.check(&keys, &issuer.policy, now) {
            Ok(claims) => Ok(Principal {
                id: format!("oidc:{}:{}", issuer.name, claims.subject),
                issuer: issuer.name.clone(),
                grants: rules::grants(&issuer.rules, &claims.all),
                subject: claims.subject,
                expires_at: claims.expires_at,
            }),
            Err(refusal) => Err(refused(refusal, name)),
        }
    }

    /// Whether each issuer's keys can be had, by its name; fetches what is missing. For readiness, and to warm up.
    pub async fn keys_available(&self) -> Vec<(String, bool)> {
        let mut list = Vec::with_capacity(self.issuers.len());
        for issuer in self.issuers.values() {
            list.push((issuer.name.clone(), issuer.keys.current().await.is_ok()));
        }
        list.sort();
        list
    }

    /// Asks each issuer for its keys, past the caches: how many there are or why there are none, by the issuer's name.
    pub async fn look_for_keys(&self) -> Vec<(String, Result<usize, String>)> {
        let looks = self
            .issuers
            .values()
            .map(async |issuer| (issuer.name.clone(), issuer.keys.look().await));
        futures_util::future::join_all(looks).await
    }

    /// The token, and the issuer it says it is from.
    fn introduce<'t>(&self, headers: &[&'t [u8]]) -> Result<(Unverified<'t>, &Issuer), Refusal> {
        let token = Unverified::read(compact::bearer(headers)?)?;
        let issuer = self
            .issuers
            .get(token.issuer()?)
            .ok_or(Refusal::WrongIssuer)?;
        Ok((token, issuer))
    }
}

impl Issuer {
    fn new(settings: IssuerSettings, fetch: &Arc<dyn Fetch>, clock: &Clock) -> Self {
        let longest = if settings.ci {
            MAX_CI_LIFETIME_SECONDS
        } else {
            MAX_LIFETIME_SECONDS
        };
        let source = match settings.jwks_url {
            Some(url) => Source::Fixed(url),
            None => Source::Discovery(settings.issuer.clone()),
        };
        Self {
            keys: Arc::new(Keys::new(
                settings.name.clone(),
                source,
                Arc::clone(fetch),
                clock.clone(),
            )),
            name: settings.name,
            policy: IssuerPolicy {
                issuer: settings.issuer,
                audience: settings.audience,
                algorithms: settings.algorithms,
                max_lifetime_seconds: i64::from(settings.max_lifetime_seconds.min(longest)),
                single_audience: settings.ci,
                authorized_parties: settings.authorized_parties,
            },
            rules: settings.rules,
        }
    }
}

fn refused(refusal: Refusal, issuer: Option<&str>) -> AuthError {
    tracing::info!(rule = refusal.rule(), reason = %refusal, issuer, "token refused");
    AuthError::Unauthenticated
}
