//! An issuer's published keys, cleaned when the set is loaded (rule J5).
//!
//! A key that is not right is left out and named in [`KeySet::skipped`]; a set that mixes symmetric with asymmetric
//! keys is refused whole, for whoever published it does not know what it is doing. The key id is a map key and
//! nothing else.

use super::MAX_DEPTH;
use super::algorithm::Algorithm;
use crate::domain::strict_json::{self, Fault};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Largest set, in bytes.
pub const MAX_SET_BYTES: usize = 1024 * 1024;
/// Most keys in a set.
pub const MAX_KEYS: usize = 100;

/// The usable keys of one issuer.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: HashMap<String, Key>,
    /// Why keys were left out, for the log.
    pub skipped: Vec<Skipped>,
}

/// One public key and what it may verify.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) verifier: DecodingKey,
}

/// A set that cannot be used at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Larger than [`MAX_SET_BYTES`].
    #[error("the key set is larger than 1 MiB")]
    TooLarge,
    /// Not JSON (a login page, say), or not strict JSON.
    #[error("the key set is not strict JSON: {0}")]
    Json(Fault),
    /// No array `keys` of objects.
    #[error("the key set has no array `keys` of objects")]
    Shape,
    /// More than [`MAX_KEYS`].
    #[error("the key set has more than 100 keys")]
    TooMany,
    /// Symmetric and asymmetric keys together.
    #[error("the key set mixes symmetric and asymmetric keys")]
    Mixed,
}

/// Why one key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Skipped {
    /// A member of the wrong type or spelling.
    #[error("malformed")]
    Malformed,
    /// No usable `kid`.
    #[error("no usable kid")]
    NoKeyId,
    /// Two keys of one `kid`: both are dropped.
    #[error("two keys of one kid")]
    DuplicateKeyId,
    /// `use` is not `sig`, or `key_ops` lacks `verify`.
    #[error("not for verifying signatures")]
    Purpose,
    /// `kty`, `crv` and `alg` do not fit each other, or are none of ours.
    #[error("unsupported or contradictory type and algorithm")]
    Algorithm,
    /// RSA under 2048 bits, over 8192, or with a bad exponent.
    #[error("too weak")]
    Weak,
    /// A symmetric key.
    #[error("symmetric")]
    Symmetric,
    /// Somebody published the private half.
    #[error("the private half is published")]
    Private,
}

impl KeySet {
    /// Reads a JWK set.
    ///
    /// # Errors
    /// When the whole set is unusable; a single bad key is only skipped.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > MAX_SET_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let Value::Object(mut set) = strict_json::parse(bytes, MAX_DEPTH)
            .map_err(|invalid| KeySetError::Json(invalid.fault))?
        else {
            return Err(KeySetError::Shape);
        };
        let Some(Value::Array(list)) = set.remove("keys") else {
            return Err(KeySetError::Shape);
        };
        if list.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let list: Vec<&Map<String, Value>> = list
            .iter()
            .map(|key| key.as_object().ok_or(KeySetError::Shape))
            .collect::<Result<_, _>>()?;
        let symmetric = list.iter().filter(|key| is_symmetric(key)).count();
        if symmetric > 0 && symmetric < list.len() {
            return Err(KeySetError::Mixed);
        }

        let mut result = Self::default();
        let mut seen = HashSet::new();
        for jwk in list {
            // Counted before anything else is looked at: a bad twin also makes the kid ambiguous.
            let kid = match jwk.get("kid").and_then(Value::as_str) {
                Some(kid) if is_key_id(kid) => kid.to_owned(),
                _ => {
                    result.skipped.push(Skipped::NoKeyId);
                    continue;
                }
            };
            if !seen.insert(kid.clone()) {
                result.keys.remove(&kid);
                result.skipped.push(Skipped::DuplicateKeyId);
                continue;
            }
            match read_key(jwk) {
                Ok(key) => {
                    result.keys.insert(kid, key);
                }
                Err(why) => result.skipped.push(why),
            }
        }
        Ok(result)
    }

    /// Whether there is a key of that id.
    pub fn contains(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }

    /// How many usable keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is usable.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn get(&self, kid: &str) -> Option<&Key> {
        self.keys.get(kid)
    }
}

/// The characters and the length of a key id (rule J3).
pub(super) fn is_key_id(kid: &str) -> bool {
    (1..=128).contains(&kid.len())
        && kid
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._:=+/-".contains(&b))
}

fn is_symmetric(jwk: &Map<String, Value>) -> bool {
    jwk.get("kty").and_then(Value::as_str) == Some("oct") || jwk.contains_key("k")
}

fn read_key(jwk: &Map<String, Value>) -> Result<Key, Skipped> {
    if is_symmetric(jwk) {
        return Err(Skipped::Symmetric);
    }
    if jwk.contains_key("d") {
        return Err(Skipped::Private);
    }
    match jwk.get("use") {
        None => {}
        Some(Value::String(word)) if word == "sig" => {}
        Some(_) => return Err(Skipped::Purpose),
    }
    match jwk.get("key_ops") {
        None => {}
        Some(Value::Array(words)) if words.iter().any(|w| w == "verify") => {}
        Some(_) => return Err(Skipped::Purpose),
    }
    let (mut algorithms, verifier) = match (text(jwk, "kty")?, jwk.get("crv").map(Value::as_str)) {
        ("RSA", None) => (vec![Algorithm::Rs256, Algorithm::Ps256], rsa(jwk)?),
        ("EC", Some(Some("P-256"))) => (vec![Algorithm::Es256], ec(jwk, 32)?),
        ("EC", Some(Some("P-384"))) => (vec![Algorithm::Es384], ec(jwk, 48)?),
        ("OKP", Some(Some("Ed25519"))) => (
            vec![Algorithm::EdDsa],
            DecodingKey::from_ed_der(&bytes(jwk, "x", 32)?),
        ),
        _ => return Err(Skipped::Algorithm),
    };
    if let Some(alg) = jwk.get("alg") {
        algorithms.retain(|a| alg == a.as_str());
    }
    if algorithms.is_empty() {
        return Err(Skipped::Algorithm);
    }
    Ok(Key {
        algorithms,
        verifier,
    })
}

fn rsa(jwk: &Map<String, Value>) -> Result<DecodingKey, Skipped> {
    let n = number(jwk, "n")?;
    let e = number(jwk, "e")?;
    let bits = n.len() * 8 - n[0].leading_zeros() as usize;
    let exponent = match e.len() {
        1..=4 => e
            .iter()
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)),
        _ => return Err(Skipped::Weak),
    };
    let odd = |bytes: &[u8]| bytes.last().is_some_and(|b| b & 1 == 1);
    if !(2048..=8192).contains(&bits) || !odd(&n) || exponent < 65_537 || !odd(&e) {
        return Err(Skipped::Weak);
    }
    Ok(DecodingKey::from_rsa_raw_components(&n, &e))
}

fn ec(jwk: &Map<String, Value>, length: usize) -> Result<DecodingKey, Skipped> {
    let mut point = vec![4]; // uncompressed
    point.extend(bytes(jwk, "x", length)?);
    point.extend(bytes(jwk, "y", length)?);
    Ok(DecodingKey::from_ec_der(&point))
}

/// A big-endian number without leading zeros.
fn number(jwk: &Map<String, Value>, member: &str) -> Result<Vec<u8>, Skipped> {
    let bytes = decode(jwk, member)?;
    let start = bytes.iter().position(|b| *b != 0);
    start
        .map(|start| bytes[start..].to_vec())
        .ok_or(Skipped::Malformed)
}

fn bytes(jwk: &Map<String, Value>, member: &str, length: usize) -> Result<Vec<u8>, Skipped> {
    decode(jwk, member).and_then(|bytes| {
        if bytes.len() == length {
            Ok(bytes)
        } else {
            Err(Skipped::Malformed)
        }
    })
}

fn decode(jwk: &Map<String, Value>, member: &str) -> Result<Vec<u8>, Skipped> {
    URL_SAFE_NO_PAD
        .decode(text(jwk, member)?)
        .map_err(|_| Skipped::Malformed)
}

fn text<'j>(jwk: &'j Map<String, Value>, member: &str) -> Result<&'j str, Skipped> {
    jwk.get(member)
        .and_then(Value::as_str)
        .ok_or(Skipped::Malformed)
}

#[cfg(test)]
mod tests;
