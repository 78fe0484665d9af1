//! One token against one issuer's keys and policy: the rules J1 to J8, as one pure function.
//!
//! The signature is the library's work; everything else is decided here, because the library's defaults are meant
//! for convenience: it rounds floats, accepts lists as issuers and does not look at `crit`.

use super::algorithm::Algorithm;
use super::compact::Compact;
use super::jwks::{KeySet, is_key_id};
use super::refusal::Refusal;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Seconds by which clocks may differ.
pub const LEEWAY_SECONDS: i64 = 60;

/// Headers that bring a key along or change what is signed (rule J4).
const FORBIDDEN_HEADERS: [&str; 8] = ["jwk", "jku", "x5u", "x5c", "b64", "zip", "crit", "enc"];

/// Claims that only ID tokens or logout tokens have (rule J7).
const FOREIGN_CLAIMS: [&str; 4] = ["nonce", "at_hash", "c_hash", "events"];

/// Kinds of token accepted in `typ` unless the issuer's configuration says otherwise, lower case. Absent is accepted
/// too: many issuers send none.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// What one issuer's tokens must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerPolicy {
    /// `iss`, exactly.
    pub issuer: String,
    /// Our name in `aud`.
    pub audience: String,
    /// Accepted algorithms.
    pub algorithms: Vec<Algorithm>,
    /// Longest `exp - iat`.
    pub max_lifetime_seconds: i64,
    /// Whether `aud` must name us alone.
    pub single_audience: bool,
    /// Accepted `azp` and `client_id`; empty: any.
    pub authorized_parties: Vec<String>,
    /// Accepted `typ`, lower case; empty: an access token's, or none.
    pub token_types: Vec<String>,
    /// Whether `jti` must be there, since it is good once.
    pub single_use: bool,
    /// What is refused although it is good.
    pub denied: Denied,
}

/// Tokens of an issuer that are refused although they are good (rule J11). Read again with the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Denied {
    /// By `sub`: everything of somebody.
    pub subjects: HashSet<String>,
    /// By `jti`: one token.
    pub tokens: HashSet<String>,
    /// By `kid`: everything that a key has signed, before the issuer takes the key down.
    pub keys: HashSet<String>,
}

/// The claims of a verified token.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `exp`, seconds since the epoch.
    pub expires_at: i64,
    /// `jti`.
    pub token_id: Option<String>,
    /// All of them, for the rules that give roles.
    pub all: Map<String, Value>,
}

/// Verifies one token (rules J1 to J8). Pure: the same arguments give the same answer.
///
/// # Errors
/// The first rule it breaks.
pub fn verify(
    keys: &KeySet,
    policy: &IssuerPolicy,
    token: &str,
    now: i64,
) -> Result<Claims, Refusal> {
    Unverified::read(token)?.check(keys, policy, now)
}

/// A well-formed token of which nothing is believed yet. Says only where to look for the key.
pub(super) struct Unverified<'t> {
    compact: Compact<'t>,
    kid: String,
}

impl<'t> Unverified<'t> {
    /// The rules that need neither key nor policy: J1, J8, J4, the shape of `kid`.
    pub(super) fn read(token: &'t str) -> Result<Self, Refusal> {
        let compact = Compact::read(token)?;
        for name in FORBIDDEN_HEADERS {
            if compact.header.contains_key(name) {
                return Err(Refusal::ForbiddenHeader(name));
            }
        }
        let kid = match compact.header.get("kid") {
            None => return Err(Refusal::NoKeyId),
            Some(Value::String(kid)) if is_key_id(kid) => kid.clone(),
            Some(_) => return Err(Refusal::BadKeyId),
        };
        Ok(Self { compact, kid })
    }

    /// The key id, well-formed.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// The issuer it claims.
    pub(super) fn issuer(&self) -> Result<&str, Refusal> {
        text(&self.compact.claims, "iss")
    }

    /// Everything else.
    pub(super) fn check(
        self,
        keys: &KeySet,
        policy: &IssuerPolicy,
        now: i64,
    ) -> Result<Claims, Refusal> {
        let algorithm = self.algorithm(policy)?;
        check_type(&self.compact.header, &policy.token_types)?;
        let key = keys.get(&self.kid).ok_or(Refusal::UnknownKey)?;
        if !key.algorithms.contains(&algorithm) {
            return Err(Refusal::KeyMismatch);
        }
        // An error (a point that is not on the curve, say) is a signature that does not fit.
        let good = jsonwebtoken::crypto::verify(
            self.compact.signature,
            self.compact.signed.as_bytes(),
            &key.verifier,
            algorithm.for_signature(),
        );
        if !good.unwrap_or(false) {
            return Err(Refusal::BadSignature);
        }
        // Only now: a denial tells nobody anything who could not have come in.
        if policy.denied.keys.contains(&self.kid) {
            return Err(Refusal::Denied("kid"));
        }
        check_claims(self.compact.claims, policy, now)
    }

    fn algorithm(&self, policy: &IssuerPolicy) -> Result<Algorithm, Refusal> {
        self.compact
            .header
            .get("alg")
            .and_then(Value::as_str)
            .and_then(Algorithm::parse)
            .filter(|algorithm| policy.algorithms.contains(algorithm))
            .ok_or(Refusal::AlgorithmNotAllowed)
    }
}

fn check_type(header: &Map<String, Value>, wanted: &[String]) -> Result<(), Refusal> {
    let fits = match header.get("typ") {
        None => wanted.is_empty(),
        Some(Value::String(typ)) => {
            let typ = typ.to_ascii_lowercase();
            if wanted.is_empty() {
                TYPES.contains(&typ.as_str())
            } else {
                // The prefix may be left out (RFC 7515 4.1.9).
                let short = |typ: &str| typ.trim_start_matches("application/").to_owned();
                wanted.iter().any(|wanted| short(wanted) == short(&typ))
            }
        }
        Some(_) => false,
    };
    if fits {
        Ok(())
    } else {
        Err(Refusal::WrongType)
    }
}

fn check_claims(
    claims: Map<String, Value>,
    policy: &IssuerPolicy,
    now: i64,
) -> Result<Claims, Refusal> {
    let issuer = text(&claims, "iss")?.to_owned();
    let subject = text(&claims, "sub")?.to_owned();
    let audiences = audiences(&claims)?;
    let expires_at = seconds(&claims, "exp")?.ok_or(Refusal::MissingClaim("exp"))?;
    let issued_at = seconds(&claims, "iat")?.ok_or(Refusal::MissingClaim("iat"))?;
    let not_before = seconds(&claims, "nbf")?;
    let token_id = token_id(&claims)?;

    if issuer != policy.issuer {
        return Err(Refusal::WrongIssuer);
    }
    if !is_label(&subject) {
        return Err(Refusal::BadClaim("sub"));
    }
    if !audiences.contains(&policy.audience.as_str()) {
        return Err(Refusal::WrongAudience);
    }
    if policy.single_audience && audiences.len() != 1 {
        return Err(Refusal::SeveralAudiences);
    }
    if expires_at <= now - LEEWAY_SECONDS {
        return Err(Refusal::Expired);
    }
    if not_before.is_some_and(|nbf| nbf > now + LEEWAY_SECONDS) {
        return Err(Refusal::NotYetValid);
    }
    if issued_at > now + LEEWAY_SECONDS {
        return Err(Refusal::IssuedInTheFuture);
    }
    // Both are below 2^53, so the difference cannot overflow.
    if !(1..=policy.max_lifetime_seconds).contains(&(expires_at - issued_at)) {
        return Err(Refusal::Lifetime);
    }
    for name in FOREIGN_CLAIMS {
        if claims.contains_key(name) {
            return Err(Refusal::WrongKind(name));
        }
    }
    check_client(&claims, policy)?;
    if policy.single_use && token_id.is_none() {
        return Err(Refusal::MissingClaim("jti"));
    }
    if policy.denied.subjects.contains(&subject) {
        return Err(Refusal::Denied("sub"));
    }
    if token_id
        .as_ref()
        .is_some_and(|id| policy.denied.tokens.contains(id))
    {
        return Err(Refusal::Denied("jti"));
    }
    Ok(Claims {
        issuer,
        subject,
        expires_at,
        token_id,
        all: claims,
    })
}

fn check_client(claims: &Map<String, Value>, policy: &IssuerPolicy) -> Result<(), Refusal> {
    if policy.authorized_parties.is_empty() {
        return Ok(());
    }
    let mut named = false;
    for claim in ["azp", "client_id"] {
        if let Some(value) = claims.get(claim) {
            let allowed = value
                .as_str()
                .is_some_and(|v| policy.authorized_parties.iter().any(|p| p == v));
            if !allowed {
                return Err(Refusal::WrongClient);
            }
            named = true;
        }
    }
    if named {
        Ok(())
    } else {
        Err(Refusal::WrongClient)
    }
}

fn text<'c>(claims: &'c Map<String, Value>, name: &'static str) -> Result<&'c str, Refusal> {
    match claims.get(name) {
        None => Err(Refusal::MissingClaim(name)),
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) => Err(Refusal::BadClaim(name)),
    }
}

/// `jti`, if there is one: text, as RFC 7519 has it, and short enough to be kept.
fn token_id(claims: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    match claims.get("jti") {
        None => Ok(None),
        Some(Value::String(id)) if !id.is_empty() && is_label(id) => Ok(Some(id.clone())),
        Some(_) => Err(Refusal::BadClaim("jti")),
    }
}

/// What may be written to logs and rows.
fn is_label(text: &str) -> bool {
    text.len() <= 255 && !text.chars().any(char::is_control)
}

fn audiences(claims: &Map<String, Value>) -> Result<Vec<&str>, Refusal> {
    match claims.get("aud") {
        None => Err(Refusal::MissingClaim("aud")),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(list)) if !list.is_empty() => list
            .iter()
            .map(|item| item.as_str().ok_or(Refusal::BadClaim("aud")))
            .collect(),
        Some(_) => Err(Refusal::BadClaim("aud")),
    }
}

/// Seconds since the epoch: an integer from 0 to 2^53 - 1, written as one. No strings, no floats.
fn seconds(claims: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .filter(|n| *n < 1 << 53)
            .and_then(|n| i64::try_from(n).ok())
            .map(Some)
            .ok_or(Refusal::BadClaim(name)),
    }
}

#[cfg(test)]
mod tests;
