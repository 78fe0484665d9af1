//! The doorkeeper: from a bearer token to a principal with roles, and from a principal to a decision.
//!
//! A request's `Authorization` header is taken literally ([`compact`]), the issuer it claims chooses the keys
//! ([`jwks`]) and the policy, and one pure function ([`jwt::verify`]) says yes or names the rule that is broken. The
//! issuer's rules turn verified claims into roles ([`rules`]), and say why ([`reasons`]); [`policy`] holds the one
//! permission table. The issuers can be replaced while requests run: each request meets either the old or the new ones.
//! [`login`] knows where people get a token for the documentation page.
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
pub mod reasons;
pub mod refusal;
pub mod rules;

#[cfg(test)]
mod test_tokens;
#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use cache::{Fetch, Fetched};
pub use jwt::Denied;
pub use login::{Login, LoginClient};
pub use policy::{
    Action, Decision, Grant, Principal, Role, Teams, decide, requestable_teams, visible_teams,
};
pub use reasons::Reasons;
pub use refusal::Refusal;
pub use rules::{Pattern, Rule, TeamSource};

use crate::clock::Clock;
use cache::{Keys, Source, Unavailable};
use jwt::{IssuerPolicy, Unverified};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

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
    /// Accepted `typ`; empty: an access token's, or none.
    pub token_types: Vec<String>,
    /// Whether a token is good for one request only, known by its `jti`.
    pub single_use_jti: bool,
    /// What is refused although it is good.
    pub denied: Denied,
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

/// A verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who it is.
    pub principal: Principal,
    /// Why it has its roles, or none.
    pub reasons: Reasons,
    /// The token's `jti`, if the token is good for one request only: whoever lets the request in must see to it, with
    /// [`used`] as the answer to the second one.
    pub single_use: Option<String>,
}

/// Verifies tokens of the configured issuers. Holds their keys; share it in an `Arc`.
pub struct Verifier {
    issuers: RwLock<Issuers>,
    fetch: Arc<dyn Fetch>,
    clock: Clock,
}

/// By `iss`.
type Issuers = Arc<HashMap<String, Arc<Issuer>>>;

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
        let verifier = Self {
            issuers: RwLock::default(),
            fetch,
            clock,
        };
        verifier.replace(settings);
        verifier
    }

    /// Trusts these issuers from now on, and no others. Requests that are being looked at are not disturbed; the keys
    /// of an issuer that stays where it was are kept, so that this needs nobody's answer.
    pub fn replace(&self, settings: Settings) {
        let old = self.issuers();
        let new = settings.into_iter().map(|settings| {
            let kept = old.get(&settings.issuer).map(|issuer| &issuer.keys);
            let issuer = self.issuer(settings, kept);
            (issuer.policy.issuer.clone(), Arc::new(issuer))
        });
        let new = Arc::new(new.collect());
        *self.issuers.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// Whether an issuer of that configured name is trusted.
    pub fn trusts(&self, name: &str) -> bool {
        self.issuers().values().any(|issuer| issuer.name == name)
    }

    /// The principal of a request, from all its `Authorization` headers.
    ///
    /// # Errors
    /// [`AuthError`]; the reason is logged, the token is not.
    pub async fn authenticate(
        &self,
        authorization_headers: &[&[u8]],
    ) -> Result<Identity, AuthError> {
        let (token, issuer) = match self.introduce(authorization_headers) {
            Ok(pair) => pair,
            Err(refusal) => return Err(refused(refusal, None)),
        };
        let keys = match issuer.keys.for_key(token.kid()).await {
            Ok(keys) => keys,
            Err(Unavailable) => return Err(AuthError::KeysUnavailable),
        };
        let now = self.clock.now().timestamp();
        match token.check(&keys, &issuer.policy, now) {
            Ok(claims) => Ok(issuer.identity(claims)),
            Err(refusal) => Err(refused(refusal, Some(&issuer.name))),
        }
    }

    /// Whether each issuer's keys can be had, by its name; asks all at once for those that are missing. The first
    /// request then need not wait for them, and the log names an issuer that does not answer before a caller does.
    pub async fn keys_available(&self) -> Vec<(String, bool)> {
        let issuers = self.issuers();
        let asked = issuers
            .values()
            .map(async |issuer| (issuer.name.clone(), issuer.keys.current().await.is_ok()));
        let mut list = futures_util::future::join_all(asked).await;
        list.sort();
        list
    }

    /// Asks each issuer for its keys, past the caches: how many there are or why there are none, by the issuer's name.
    pub async fn look_for_keys(&self) -> Vec<(String, Result<usize, String>)> {
        let issuers = self.issuers();
        let looks = issuers
            .values()
            .map(async |issuer| (issuer.name.clone(), issuer.keys.look().await));
        futures_util::future::join_all(looks).await
    }

    /// The token, and the issuer it says it is from.
    fn introduce<'t>(
        &self,
        headers: &[&'t [u8]],
    ) -> Result<(Unverified<'t>, Arc<Issuer>), Refusal> {
        let token = Unverified::read(compact::bearer(headers)?)?;
        let issuer = self
            .issuers()
            .get(token.issuer()?)
            .map(Arc::clone)
            .ok_or(Refusal::WrongIssuer)?;
        Ok((token, issuer))
    }

    fn issuers(&self) -> Issuers {
        let issuers = self.issuers.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&issuers)
    }

    fn issuer(&self, settings: IssuerSettings, kept: Option<&Arc<Keys>>) -> Issuer {
        let longest = if settings.ci {
            MAX_CI_LIFETIME_SECONDS
        } else {
            MAX_LIFETIME_SECONDS
        };
        let source = match settings.jwks_url {
            Some(url) => Source::Fixed(url),
            None => Source::Discovery(settings.issuer.clone()),
        };
        let kept = kept.filter(|keys| keys.are_of(&settings.name, &source));
        let keys = kept.map(Arc::clone).unwrap_or_else(|| {
            let (fetch, clock) = (Arc::clone(&self.fetch), self.clock.clone());
            Arc::new(Keys::new(settings.name.clone(), source, fetch, clock))
        });
        let lower = |typ: &String| typ.to_ascii_lowercase();
        Issuer {
            keys,
            name: settings.name,
            policy: IssuerPolicy {
                issuer: settings.issuer,
                audience: settings.audience,
                algorithms: settings.algorithms,
                max_lifetime_seconds: i64::from(settings.max_lifetime_seconds.min(longest)),
                single_audience: settings.ci,
                authorized_parties: settings.authorized_parties,
                token_types: settings.token_types.iter().map(lower).collect(),
                single_use: settings.single_use_jti,
                denied: settings.denied,
            },
            rules: settings.rules,
        }
    }
}

impl Issuer {
    fn identity(&self, claims: jwt::Claims) -> Identity {
        let (name, policy) = (&self.name, &self.policy);
        Identity {
            // Of one audience means of CI jobs.
            reasons: Reasons::of(
                name,
                &policy.issuer,
                policy.single_audience,
                &self.rules,
                &claims.all,
            ),
            single_use: claims.token_id.filter(|_| policy.single_use),
            principal: Principal {
                id: format!("oidc:{name}:{}", claims.subject),
                issuer: name.clone(),
                grants: rules::grants(&self.rules, &claims.all),
                subject: claims.subject,
                expires_at: claims.expires_at,
            },
        }
    }
}

/// The answer to a token that is good for one request and came before.
pub fn used(principal: &Principal) -> AuthError {
    refused(Refusal::Used, Some(&principal.issuer))
}

fn refused(refusal: Refusal, issuer: Option<&str>) -> AuthError {
    tracing::info!(rule = refusal.rule(), reason = %refusal, issuer, "token refused");
    AuthError::Unauthenticated
}
