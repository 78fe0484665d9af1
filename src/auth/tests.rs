//! The doorkeeper as a whole: two issuers, one generic answer.

use super::test_tokens::*;
use super::*;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const OTHER: &str = "https://ci.example.com";

struct Published;

#[async_trait]
impl Fetch for Published {
    async fn get(&self, url: &str) -> Result<Fetched, String> {
        let keys = match url {
            "https://login.example.com/jwks" => set(&[Signer::RsaA.jwk("a")]),
            "https://ci.example.com/jwks" => set(&[Signer::RsaB.jwk("b")]),
            _ => return Err("down".to_owned()),
        };
        Ok(Fetched {
            status: 200,
            max_age: None,
            body: keys,
        })
    }
}

fn issuer(name: &str, issuer: &str, jwks_url: &str, ci: bool) -> IssuerSettings {
    IssuerSettings {
        name: name.to_owned(),
        issuer: issuer.to_owned(),
        audience: AUDIENCE.to_owned(),
        jwks_url: Some(jwks_url.to_owned()),
        algorithms: Algorithm::DEFAULT.to_vec(),
        max_lifetime_seconds: 86_400,
        ci,
        docs_client: None,
        authorized_parties: Vec::new(),
        token_types: Vec::new(),
        single_use_jti: false,
        denied: Denied::default(),
        rules: vec![Rule {
            claims: BTreeMap::from([(
                "groups".to_owned(),
                vec![Pattern::Exact("blue-devs".to_owned())],
            )]),
            team: TeamSource::Fixed("blue".to_owned()),
            role: Role::Requester,
        }],
    }
}

fn settings() -> Settings {
    vec![
        issuer("company", ISSUER, "https://login.example.com/jwks", false),
        issuer("ci", OTHER, "https://ci.example.com/jwks", true),
        issuer(
            "dark",
            "https://dark.example.com",
            "https://dark.example.com/jwks",
            false,
        ),
    ]
}

fn verifier() -> Verifier {
    Verifier::new(settings(), Arc::new(Published), Clock::system())
}

fn fresh(iss: &str) -> Value {
    let now = Clock::system().now().timestamp();
    json!({"iss": iss, "sub": "ada:x", "aud": AUDIENCE, "iat": now, "exp": now + 600, "groups": ["blue-devs"]})
}

async fn present(token: &str) -> Result<Principal, AuthError> {
    present_to(&verifier(), token).await
}

async fn present_to(verifier: &Verifier, token: &str) -> Result<Principal, AuthError> {
    let header = format!("Bearer {token}");
    let identity = verifier.authenticate(&[header.as_bytes()]).await?;
    Ok(identity.principal)
}

#[tokio::test]
async fn a_good_token_becomes_a_principal_with_roles() {
    let token = sign(&header(Signer::RsaA, "a"), &fresh(ISSUER), Signer::RsaA);
    let principal = present(&token).await.unwrap();
    assert_eq!(principal.id, "oidc:company:ada:x");
    assert_eq!(principal.issuer, "company");
    let grant = Grant {
        role: Role::Requester,
        team: Some("blue".to_owned()),
    };
    assert_eq!(principal.grants, [grant]);
    let token = sign(&header(Signer::RsaB, "b"), &fresh(OTHER), Signer::RsaB);
    assert_eq!(present(&token).await.unwrap().id, "oidc:ci:ada:x");
}

#[tokio::test]
async fn issuers_do_not_vouch_for_each_other() {
    // `iss` A with the key of B, under either key id
    for kid in ["a", "b"] {
        let token = sign(&header(Signer::RsaB, kid), &fresh(ISSUER), Signer::RsaB);
        assert_eq!(present(&token).await, Err(AuthError::Unauthenticated));
    }
    let token = sign(
        &header(Signer::RsaA, "a"),
        &fresh("https://evil.example"),
        Signer::RsaA,
    );
    assert_eq!(present(&token).await, Err(AuthError::Unauthenticated));
}

#[tokio::test]
async fn ci_tokens_live_an_hour_whatever_is_configured() {
    let mut claims = fresh(OTHER);
    claims["exp"] = json!(claims["iat"].as_i64().unwrap() + 3601);
    let token = sign(&header(Signer::RsaB, "b"), &claims, Signer::RsaB);
    assert_eq!(present(&token).await, Err(AuthError::Unauthenticated));
}

#[tokio::test]
async fn missing_keys_are_not_the_callers_fault() {
    let claims = fresh("https://dark.example.com");
    let token = sign(&header(Signer::RsaA, "a"), &claims, Signer::RsaA);
    assert_eq!(present(&token).await, Err(AuthError::KeysUnavailable));
    let verifier = verifier();
    let available = verifier.keys_available().await;
    let expected = [("ci", true), ("company", true), ("dark", false)];
    assert_eq!(available, expected.map(|(name, ok)| (name.to_owned(), ok)));
}

#[tokio::test]
async fn headers_of_the_wrong_shape() {
    let verifier = verifier();
    let token = sign(&header(Signer::RsaA, "a"), &fresh(ISSUER), Signer::RsaA);
    let good = format!("Bearer {token}");
    let cases: [&[&[u8]]; 4] = [
        &[],
        &[good.as_bytes(), good.as_bytes()],
        &[token.as_bytes()],
        &[b"Bearer x"],
    ];
    for headers in cases {
        let result = verifier.authenticate(headers).await;
        assert_eq!(result, Err(AuthError::Unauthenticated));
    }
}

/// An issuer's keys, until its plug is pulled.
struct Plugged(std::sync::atomic::AtomicBool);

#[async_trait]
impl Fetch for Plugged {
    async fn get(&self, url: &str) -> Result<Fetched, String> {
        match self.0.load(std::sync::atomic::Ordering::SeqCst) {
            true => Published.get(url).await,
            false => Err("down".to_owned()),
        }
    }
}

#[tokio::test]
async fn issuers_are_replaced_as_a_whole_and_keep_their_keys() {
    let plug = Arc::new(Plugged(true.into()));
    let verifier = Verifier::new(settings(), plug.clone(), Clock::system());
    let company = sign(&header(Signer::RsaA, "a"), &fresh(ISSUER), Signer::RsaA);
    let ci = sign(&header(Signer::RsaB, "b"), &fresh(OTHER), Signer::RsaB);
    for token in [&company, &ci] {
        assert!(present_to(&verifier, token).await.is_ok());
    }
    // From here on nobody answers: what still works has kept its keys.
    plug.0.store(false, std::sync::atomic::Ordering::SeqCst);
    let mut next = settings();
    next[0].rules.clear();
    next[0].denied.subjects.insert("eve".to_owned());
    next.truncate(1);
    verifier.replace(next.clone());
    let principal = present_to(&verifier, &company).await.unwrap();
    assert_eq!(principal.grants, [], "the new rules count");
    let gone = present_to(&verifier, &ci).await;
    assert_eq!(gone, Err(AuthError::Unauthenticated), "no longer trusted");
    next[0].denied.subjects.insert("ada:x".to_owned());
    verifier.replace(next.clone());
    let denied = present_to(&verifier, &company).await;
    assert_eq!(denied, Err(AuthError::Unauthenticated));
    // Keys of another place are other keys.
    next[0].denied = Denied::default();
    next[0].jwks_url = Some("https://login.example.com/elsewhere".to_owned());
    verifier.replace(next);
    let unknown = present_to(&verifier, &company).await;
    assert_eq!(unknown, Err(AuthError::KeysUnavailable));
}

#[test]
fn reasons_never_carry_the_token() {
    let token = sign(
        &header(Signer::RsaA, "a"),
        &json!({"iss": "canary"}),
        Signer::RsaA,
    );
    let refusal = jwt::verify(&jwks::KeySet::default(), &policy(), &token, NOW).unwrap_err();
    for text in [refusal.to_string(), format!("{refusal:?}")] {
        assert!(!text.contains("canary") && !text.contains(&token));
    }
}
