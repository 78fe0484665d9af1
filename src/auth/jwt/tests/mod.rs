//! Every "refuse with a test for" of the rules J1 to J8, through [`verify`].

use super::super::test_tokens::*;
use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use serde_json::json;

mod claims;

fn keys() -> KeySet {
    let jwks = set(&[
        Signer::RsaA.jwk("a"),
        Signer::RsaB.jwk("b"),
        Signer::Ec256.jwk("p256"),
        Signer::Ec384.jwk("p384"),
        Signer::Ed.jwk("ed"),
    ]);
    KeySet::parse(&jwks).unwrap()
}

fn refusal(token: &str) -> Refusal {
    verify(&keys(), &policy(), token, NOW).expect_err("the token was accepted")
}

fn of_claims(claims: &Value) -> Result<Claims, Refusal> {
    let token = sign(&header(Signer::RsaA, "a"), claims, Signer::RsaA);
    verify(&keys(), &policy(), &token, NOW)
}

fn of_header(header: &Value) -> Refusal {
    refusal(&sign(header, &claims(), Signer::RsaA))
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}

#[test]
fn good_tokens_of_every_algorithm() {
    for (signer, kid) in [
        (Signer::RsaA, "a"),
        (Signer::RsaB, "b"),
        (Signer::Ec256, "p256"),
        (Signer::Ec384, "p384"),
        (Signer::Ed, "ed"),
    ] {
        let token = sign(&header(signer, kid), &claims(), signer);
        let claims = verify(&keys(), &policy(), &token, NOW).unwrap();
        assert_eq!(claims.subject, "ada");
        assert_eq!(claims.expires_at, NOW + 600);
    }
    let pss = with(header(Signer::RsaA, "a"), "alg", json!("PS256"));
    let token = sign_as(
        &pss.to_string(),
        &claims().to_string(),
        &Signer::RsaA.key(),
        jsonwebtoken::Algorithm::PS256,
    );
    assert!(verify(&keys(), &policy(), &token, NOW).is_ok());
}

#[test]
fn j1_one_changed_character_anywhere() {
    let token = sign(&header(Signer::Ec256, "p256"), &claims(), Signer::Ec256);
    assert!(verify(&keys(), &policy(), &token, NOW).is_ok());
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(
            verify(&keys(), &policy(), &changed, NOW).is_err(),
            "at {at}"
        );
        let cut = &token[..at];
        assert!(verify(&keys(), &policy(), cut, NOW).is_err(), "cut at {at}");
    }
    for padded in [
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
    ] {
        assert_eq!(refusal(&padded), Refusal::NotCompact);
    }
    assert_eq!(refusal(&"a".repeat(1024 * 1024)), Refusal::TooLong);
}

#[test]
fn j2_none_and_foreign_algorithms() {
    for alg in [
        json!("none"),
        json!("None"),
        json!("nOnE"),
        json!("NONE"),
        json!(""),
        json!("rs256"),
        json!("RS384"),
        json!("HS256"),
        json!("HS384"),
        json!("HS512"),
        json!("ES256K"),
        json!(null),
        json!(["RS256"]),
        json!({"RS256": 1}),
        json!(256),
    ] {
        let header = with(header(Signer::RsaA, "a"), "alg", alg.clone());
        assert_eq!(of_header(&header), Refusal::AlgorithmNotAllowed, "{alg}");
        // without a signature there is no third part
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims().to_string())
        );
        assert_eq!(refusal(&format!("{signed}.")), Refusal::NotCompact);
        assert_eq!(refusal(&signed), Refusal::NotCompact);
    }
    let mut without = header(Signer::RsaA, "a");
    without.as_object_mut().unwrap().remove("alg");
    assert_eq!(of_header(&without), Refusal::AlgorithmNotAllowed);
}

#[test]
fn j2_hmac_with_the_public_key_as_secret() {
    let pem = RSA_A_PUBLIC_PEM.to_vec();
    let base64: String = String::from_utf8(pem.clone())
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let der = base64::engine::general_purpose::STANDARD
        .decode(base64)
        .unwrap();
    let jwk = Signer::RsaA.jwk("a");
    let n = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let forms = [
        pem.trim_ascii_end().to_vec(),
        pem,
        der,
        jwk.to_string().into_bytes(),
        set(&[jwk]),
        n,
        Vec::new(),
    ];
    for secret in forms {
        let key = EncodingKey::from_secret(&secret);
        // as HS256, and as what the key set says it is
        for (alg, expected) in [
            ("HS256", Refusal::AlgorithmNotAllowed),
            ("RS256", Refusal::BadSignature),
        ] {
            let header = with(header(Signer::RsaA, "a"), "alg", json!(alg));
            let token = sign_as(
                &header.to_string(),
                &claims().to_string(),
                &key,
                jsonwebtoken::Algorithm::HS256,
            );
            assert_eq!(refusal(&token), expected);
        }
    }
}

#[test]
fn j2_algorithms_cannot_be_swapped() {
    let swapped = |says: &str, signs: jsonwebtoken::Algorithm, kid: &str, signer: Signer| {
        let header = with(header(signer, kid), "alg", json!(says));
        sign_as(
            &header.to_string(),
            &claims().to_string(),
            &signer.key(),
            signs,
        )
    };
    use jsonwebtoken::Algorithm as Signed;
    let cases = [
        (
            swapped("RS256", Signed::PS256, "a", Signer::RsaA),
            Refusal::BadSignature,
        ),
        (
            swapped("PS256", Signed::RS256, "a", Signer::RsaA),
            Refusal::BadSignature,
        ),
        (
            swapped("RS256", Signed::ES256, "p256", Signer::Ec256),
            Refusal::KeyMismatch,
        ),
        (
            swapped("ES256", Signed::RS256, "a", Signer::RsaA),
            Refusal::KeyMismatch,
        ),
        (
            swapped("ES384", Signed::ES256, "p256", Signer::Ec256),
            Refusal::KeyMismatch,
        ),
        (
            swapped("EdDSA", Signed::ES256, "p256", Signer::Ec256),
            Refusal::KeyMismatch,
        ),
    ];
    for (token, expected) in cases {
        assert_eq!(refusal(&token), expected);
    }
    // a key that says RS256 does not verify PS256, even where the issuer may use both
    let bound = with(Signer::RsaA.jwk("a"), "alg", json!("RS256"));
    let keys = KeySet::parse(&set(&[bound])).unwrap();
    let token = swapped("PS256", Signed::PS256, "a", Signer::RsaA);
    assert_eq!(
        verify(&keys, &policy(), &token, NOW),
        Err(Refusal::KeyMismatch)
    );
    // and what is not on the issuer's list is refused before any key is looked at
    let only_es256 = IssuerPolicy {
        algorithms: vec![Algorithm::Es256],
        ..policy()
    };
    let token = sign(&header(Signer::RsaA, "a"), &claims(), Signer::RsaA);
    assert_eq!(
        verify(&keys, &only_es256, &token, NOW),
        Err(Refusal::AlgorithmNotAllowed)
    );
}

#[test]
fn j3_key_ids() {
    for kid in [
        json!("../../etc/passwd\0"),
        json!("a'b"),
        json!("a\"b"),
        json!("a\0"),
        json!("a\nb"),
        json!("a b"),
        json!("https://evil.example/?k"),
        json!("a;b"),
        json!("{a}"),
        json!("ä"),
        json!(""),
        json!("a".repeat(129)),
        json!(7),
        json!(null),
        json!(["a"]),
    ] {
        let header = with(header(Signer::RsaA, "a"), "kid", kid.clone());
        assert_eq!(of_header(&header), Refusal::BadKeyId, "{kid}");
    }
    // well-formed strings that look like paths and addresses are only names that nobody has
    for kid in [
        "../../etc/passwd",
        "https://evil.example/k",
        "A",
        &"a".repeat(128),
    ] {
        assert_eq!(
            of_header(&header(Signer::RsaA, kid)),
            Refusal::UnknownKey,
            "{kid}"
        );
    }
    let mut without = header(Signer::RsaA, "a");
    without.as_object_mut().unwrap().remove("kid");
    assert_eq!(of_header(&without), Refusal::NoKeyId);
    // another key of the set does not do
    assert_eq!(of_header(&header(Signer::RsaA, "b")), Refusal::BadSignature);
    // key of another issuer, whose kid we happen to know
    let theirs = KeySet::parse(&set(&[Signer::RsaB.jwk("a")])).unwrap();
    let token = sign(&header(Signer::RsaA, "a"), &claims(), Signer::RsaA);
    assert_eq!(
        verify(&theirs, &policy(), &token, NOW),
        Err(Refusal::BadSignature)
    );
}

#[test]
fn j4_headers_that_bring_keys_or_change_meaning() {
    let cases = [
        ("jwk", Signer::RsaB.jwk("a")),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("enc", json!("A256GCM")),
    ];
    for (name, value) in cases {
        // with an otherwise valid signature, and with an attacker's key
        for signer in [Signer::RsaA, Signer::RsaB] {
            let header = with(header(signer, "a"), name, value.clone());
            let token = sign(&header, &claims(), signer);
            assert_eq!(refusal(&token), Refusal::ForbiddenHeader(name));
        }
    }
}

#[test]
fn j5_a_point_that_is_not_on_the_curve_verifies_nothing() {
    let off = with(
        Signer::Ec256.jwk("p256"),
        "y",
        Signer::Ec256.jwk("p256")["x"].clone(),
    );
    let keys = KeySet::parse(&set(&[off])).unwrap();
    let token = sign(&header(Signer::Ec256, "p256"), &claims(), Signer::Ec256);
    assert_eq!(
        verify(&keys, &policy(), &token, NOW),
        Err(Refusal::BadSignature)
    );
}
