//! The issuer: discovery, keys, tokens, rotation.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};

use crate::support::{Lab, reply};

pub(crate) async fn keys(lab: &Lab) -> JwkSet {
    let (_, body) = reply(
        lab.http
            .get(&lab.simulator.world().jwks_uri)
            .send()
            .await
            .unwrap(),
    )
    .await;
    serde_json::from_value(body).unwrap()
}

pub(crate) fn verify(lab: &Lab, keys: &JwkSet, token: &str) -> Option<Value> {
    let key = keys.find(&decode_header(token).unwrap().kid.unwrap())?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[&lab.simulator.world().audience]);
    validation.set_issuer(&[&lab.simulator.world().issuer]);
    Some(
        decode(token, &DecodingKey::from_jwk(key).unwrap(), &validation)
            .ok()?
            .claims,
    )
}

#[tokio::test]
async fn tokens_verify_against_the_published_keys() {
    let lab = Lab::new().await;
    let issuer = &lab.simulator.world().issuer;
    let url = format!("{issuer}/.well-known/openid-configuration");
    let (_, discovery) = reply(lab.http.get(url).send().await.unwrap()).await;
    assert_eq!(discovery["issuer"], **issuer);
    let token = lab
        .simulator
        .mint_jwt(json!({"sub": "alice", "groups": ["a"]}));
    assert_eq!(
        verify(&lab, &keys(&lab).await, &token).unwrap()["groups"],
        json!(["a"])
    );

    let form = [
        ("sub", "repo:acme/x"),
        ("groups", "[\"b\"]"),
        ("run_id", "42"),
    ];
    let post = lab.http.post(format!("{issuer}/token")).form(&form);
    let (_, body) = reply(post.send().await.unwrap()).await;
    let claims = verify(
        &lab,
        &keys(&lab).await,
        body["access_token"].as_str().unwrap(),
    )
    .unwrap();
    assert_eq!(
        (&claims["groups"], &claims["run_id"]),
        (&json!(["b"]), &json!("42"))
    );

    lab.simulator.rotate_issuer_key(true);
    let newer = lab.simulator.mint_jwt(json!({"sub": "alice"}));
    let both = keys(&lab).await;
    assert!(verify(&lab, &both, &token).is_some() && verify(&lab, &both, &newer).is_some());
    lab.simulator.rotate_issuer_key(false);
    assert!(verify(&lab, &keys(&lab).await, &token).is_none());
}
