//! Keys, key sets and tokens for the tests of this room.

use super::algorithm::Algorithm;
use super::jwt::{Denied, IssuerPolicy};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::{Value, json};

pub(super) const ISSUER: &str = "https://login.example.com/";
pub(super) const AUDIENCE: &str = "brickyard";
pub(super) const NOW: i64 = 1_800_000_000;

pub(super) const RSA_A_PUBLIC_PEM: &[u8] = include_bytes!("testdata/rsa_a.pub.pem");

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Signer {
    RsaA,
    RsaB,
    Ec256,
    Ec384,
    Ed,
}

impl Signer {
    pub(super) fn key(self) -> EncodingKey {
        match self {
            Self::RsaA => EncodingKey::from_rsa_pem(include_bytes!("testdata/rsa_a.pem")),
            Self::RsaB => EncodingKey::from_rsa_pem(include_bytes!("testdata/rsa_b.pem")),
            Self::Ec256 => EncodingKey::from_ec_pem(include_bytes!("testdata/ec256.pem")),
            Self::Ec384 => EncodingKey::from_ec_pem(include_bytes!("testdata/ec384.pem")),
            Self::Ed => EncodingKey::from_ed_pem(include_bytes!("testdata/ed.pem")),
        }
        .unwrap()
    }

    pub(super) fn algorithm(self) -> Algorithm {
        match self {
            Self::RsaA | Self::RsaB => Algorithm::Rs256,
            Self::Ec256 => Algorithm::Es256,
            Self::Ec384 => Algorithm::Es384,
            Self::Ed => Algorithm::EdDsa,
        }
    }

    /// The public key under that id, without `alg`, `use` and `key_ops`.
    pub(super) fn jwk(self, kid: &str) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key(), self.algorithm().for_signature()).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        let members = jwk.as_object_mut().unwrap();
        for member in ["alg", "use", "key_ops"] {
            members.remove(member);
        }
        members.insert("kid".to_owned(), json!(kid));
        jwk
    }
}

pub(super) fn set(keys: &[Value]) -> Vec<u8> {
    serde_json::to_vec(&json!({ "keys": keys })).unwrap()
}

pub(super) fn policy() -> IssuerPolicy {
    IssuerPolicy {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        algorithms: Algorithm::ALL.to_vec(),
        max_lifetime_seconds: 24 * 3600,
        single_audience: false,
        authorized_parties: Vec::new(),
        token_types: Vec::new(),
        single_use: false,
        denied: Denied::default(),
    }
}

/// A good header for that signer.
pub(super) fn header(signer: Signer, kid: &str) -> Value {
    json!({"alg": signer.algorithm().as_str(), "typ": "JWT", "kid": kid})
}

/// Good claims.
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "ada", "aud": AUDIENCE,
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 600,
    })
}

/// Header and claims as text, signed with the signer's own algorithm whatever the header says.
pub(super) fn sign_text(header: &str, claims: &str, signer: Signer) -> String {
    let algorithm = signer.algorithm().for_signature();
    sign_as(header, claims, &signer.key(), algorithm)
}

pub(super) fn sign_as(
    header: &str,
    claims: &str,
    key: &EncodingKey,
    algorithm: jsonwebtoken::Algorithm,
) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

pub(super) fn sign(header: &Value, claims: &Value, signer: Signer) -> String {
    sign_text(&header.to_string(), &claims.to_string(), signer)
}
