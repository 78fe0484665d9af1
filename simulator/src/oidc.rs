//! The issuer of the callers' bearer tokens. Its keys are made for this simulator and guard nothing.

use std::collections::HashMap;

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Outcome};
use crate::clock::epoch_ms;
use crate::login;
use crate::request::Request;
use crate::state::State;

const KEYS: [&str; 3] = [
    include_str!("keys/issuer-1.pem"),
    include_str!("keys/issuer-2.pem"),
    include_str!("keys/issuer-3.pem"),
];

/// The issuer's keys: one signs, all published ones verify.
pub(crate) struct Issuer {
    generation: usize,
    published: Vec<usize>,
    /// What was signed before, by key and claims: the same again gives the same token, and signing takes a while.
    signed: HashMap<(usize, String), String>,
}

/// So many are remembered.
const SIGNED: usize = 1000;

impl Issuer {
    pub(crate) fn new() -> Issuer {
        Issuer {
            generation: 0,
            published: vec![0],
            signed: HashMap::new(),
        }
    }

    /// Signs with another key from now on; `keep` leaves the former ones published.
    pub(crate) fn rotate(&mut self, keep: bool) {
        self.generation += 1;
        if !keep {
            self.published.clear();
        }
        self.published.push(self.generation);
    }

    fn key(generation: usize) -> EncodingKey {
        EncodingKey::from_rsa_pem(KEYS[generation % KEYS.len()].as_bytes())
            .expect("the embedded keys are valid PEM")
    }

    fn kid(generation: usize) -> String {
        format!("key-{}", generation + 1)
    }

    fn jwks(&self) -> JwkSet {
        let keys = self.published.iter().map(|generation| {
            let mut jwk = Jwk::from_encoding_key(&Self::key(*generation), Algorithm::RS256)
                .expect("an RSA key has a modulus and an exponent");
            jwk.common.key_id = Some(Self::kid(*generation));
            jwk.common.public_key_use = Some(PublicKeyUse::Signature);
            jwk
        });
        JwkSet {
            keys: keys.collect(),
        }
    }

    fn sign(&mut self, claims: &Map<String, Value>) -> String {
        let what = (self.generation, json!(claims).to_string());
        if let Some(token) = self.signed.get(&what) {
            return token.clone();
        }
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(Self::kid(self.generation));
        let token = jsonwebtoken::encode(&header, claims, &Self::key(self.generation))
            .expect("a JSON object is signed with a valid key");
        if self.signed.len() >= SIGNED {
            self.signed.clear();
        }
        self.signed.insert(what, token.clone());
        token
    }
}

/// Signs claims; issuer, audience and times are filled in where they are absent.
pub(crate) fn mint(state: &mut State, claims: Value) -> String {
    let mut claims = match claims {
        Value::Object(claims) => claims,
        _ => Map::new(),
    };
    let now = epoch_ms() / 1000;
    let defaults = [
        ("iss", json!(state.world.issuer)),
        ("aud", json!(state.world.audience)),
        ("iat", json!(now)),
        ("exp", json!(now + 3600)),
    ];
    for (name, value) in defaults {
        claims.entry(name).or_insert(value);
    }
    // A claim given as null is left out: so a token without `exp` can be made.
    claims.retain(|_, value| !value.is_null());
    state.issuer.sign(&claims)
}

pub(crate) fn discovery(state: &State) -> Answer {
    let issuer = &state.world.issuer;
    Answer::ok(&json!({
        "issuer": issuer,
        "jwks_uri": state.world.jwks_uri,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

pub(crate) fn jwks(state: &State) -> Answer {
    Answer::ok(&json!(state.issuer.jwks()))
}

/// POST /issuer/token. With a code, the end of a login. Else claims as JSON or as a form become a token; a form field
/// that is JSON is taken as JSON, so that `groups=["a"]` works.
pub(crate) fn token(state: &mut State, request: &Request) -> Outcome {
    let form = request.form().unwrap_or_default();
    if form.contains(&("grant_type".to_owned(), "authorization_code".to_owned())) {
        return Ok(login::token(state, request));
    }
    let claims: Map<String, Value> = match request.form() {
        Some(form) => form
            .into_iter()
            .filter(|(key, _)| key != "grant_type")
            .map(|(key, value)| {
                let parsed = serde_json::from_str(&value).ok();
                (
                    key,
                    parsed
                        .filter(|v: &Value| !v.is_number())
                        .unwrap_or(Value::from(value)),
                )
            })
            .collect(),
        None => request.json()?,
    };
    let token = mint(state, Value::Object(claims));
    Ok(Answer::ok(
        &json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}),
    ))
}
