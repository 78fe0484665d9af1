//! One set per case of rule J5.

use super::super::test_tokens::{Signer, set};
use super::*;
use serde_json::json;

fn but(mut key: Value, member: &str, value: Value) -> Value {
    key[member] = value;
    key
}

fn weak(n: &str, e: &str) -> Value {
    json!({"kty": "RSA", "kid": "a", "n": n.trim(), "e": e})
}

#[test]
fn single_bad_keys_are_skipped_and_the_rest_kept() {
    let rsa = || Signer::RsaA.jwk("a");
    let ec = || Signer::Ec256.jwk("a");
    let good_n = rsa()["n"].as_str().unwrap().to_owned();
    let without = |mut key: Value, member: &str| {
        key.as_object_mut().unwrap().remove(member);
        key
    };
    let cases = [
        (but(rsa(), "use", json!("enc")), Skipped::Purpose),
        (but(rsa(), "use", json!(["sig"])), Skipped::Purpose),
        (but(rsa(), "key_ops", json!(["sign"])), Skipped::Purpose),
        (but(rsa(), "key_ops", json!("verify")), Skipped::Purpose),
        (but(rsa(), "alg", json!("HS256")), Skipped::Algorithm),
        (but(rsa(), "alg", json!("ES256")), Skipped::Algorithm),
        (but(rsa(), "alg", json!("RSA-OAEP")), Skipped::Algorithm),
        (but(rsa(), "alg", json!(7)), Skipped::Algorithm),
        (but(rsa(), "crv", json!("P-256")), Skipped::Algorithm),
        (but(ec(), "alg", json!("ES384")), Skipped::Algorithm),
        (but(ec(), "crv", json!("P-384")), Skipped::Malformed),
        (but(ec(), "crv", json!("secp256k1")), Skipped::Algorithm),
        (but(ec(), "kty", json!("OKP")), Skipped::Algorithm),
        (without(ec(), "crv"), Skipped::Algorithm),
        (without(ec(), "y"), Skipped::Malformed),
        (without(rsa(), "kty"), Skipped::Malformed),
        (but(ec(), "x", json!("AAAA")), Skipped::Malformed),
        (but(rsa(), "d", json!("AAAA")), Skipped::Private),
        (but(rsa(), "kid", json!("a b")), Skipped::NoKeyId),
        (without(rsa(), "kid"), Skipped::NoKeyId),
        (
            weak(include_str!("../testdata/rsa_1024.n"), "AQAB"),
            Skipped::Weak,
        ),
        (
            weak(include_str!("../testdata/rsa_e3.n"), "Aw"),
            Skipped::Weak,
        ),
        (weak(&good_n, "AQAC"), Skipped::Weak), // even
        (weak(&good_n, "AQ"), Skipped::Weak),
        (weak(&good_n, "AQAAAAAB"), Skipped::Weak),
        (weak(&good_n, ""), Skipped::Malformed),
        (weak("AAAA", "AQAB"), Skipped::Malformed),
        (weak("!", "AQAB"), Skipped::Malformed),
        // zeros in front do not make a short modulus long
        (
            weak(
                &format!(
                    "{}{}",
                    "A".repeat(172),
                    include_str!("../testdata/rsa_1024.n")
                ),
                "AQAB",
            ),
            Skipped::Weak,
        ),
    ];
    for (key, why) in cases {
        let keys = KeySet::parse(&set(&[key.clone(), Signer::Ed.jwk("rest")])).unwrap();
        assert_eq!(keys.skipped, [why], "{key}");
        assert!(keys.contains("rest"));
        assert_eq!(keys.len(), 1);
    }
}

#[test]
fn good_members_are_accepted() {
    for key in [
        but(Signer::RsaA.jwk("a"), "use", json!("sig")),
        but(Signer::RsaA.jwk("a"), "key_ops", json!(["sign", "verify"])),
        but(Signer::RsaA.jwk("a"), "alg", json!("PS256")),
        but(Signer::RsaA.jwk("a"), "x5c", json!(["MIIB"])),
        but(Signer::Ed.jwk("a"), "alg", json!("EdDSA")),
        Signer::Ec384.jwk("a"),
    ] {
        let keys = KeySet::parse(&set(std::slice::from_ref(&key))).unwrap();
        assert!(keys.contains("a"), "{key}: {:?}", keys.skipped);
    }
}

#[test]
fn twins_are_both_dropped() {
    let keys = KeySet::parse(&set(&[
        Signer::RsaA.jwk("a"),
        Signer::RsaB.jwk("a"),
        Signer::Ec256.jwk("a"),
        Signer::Ed.jwk("b"),
    ]))
    .unwrap();
    assert!(!keys.contains("a") && keys.contains("b"));
    assert_eq!(keys.skipped, [Skipped::DuplicateKeyId; 2]);
    // also when one of them is no good by itself
    let bad = but(Signer::RsaB.jwk("a"), "use", json!("enc"));
    let keys = KeySet::parse(&set(&[bad, Signer::RsaA.jwk("a")])).unwrap();
    assert!(keys.is_empty());
}

#[test]
fn whole_sets_that_are_refused() {
    let oct = json!({"kty": "oct", "kid": "s", "k": "c2VjcmV0"});
    let many: Vec<Value> = (0..101).map(|n| Signer::Ed.jwk(&n.to_string())).collect();
    let cases = [
        (
            set(&[oct.clone(), Signer::RsaA.jwk("a")]),
            KeySetError::Mixed,
        ),
        (set(&many), KeySetError::TooMany),
        (b"{}".to_vec(), KeySetError::Shape),
        (b"[]".to_vec(), KeySetError::Shape),
        (b"{\"keys\":{}}".to_vec(), KeySetError::Shape),
        (b"{\"keys\":[7]}".to_vec(), KeySetError::Shape),
        (
            b"<html>Sign in</html>".to_vec(),
            KeySetError::Json(Fault::Syntax),
        ),
        (
            b"{\"keys\":[],\"keys\":[]}".to_vec(),
            KeySetError::Json(Fault::DuplicateMember),
        ),
        (vec![b' '; MAX_SET_BYTES + 1], KeySetError::TooLarge),
    ];
    for (bytes, error) in cases {
        assert_eq!(KeySet::parse(&bytes).err(), Some(error));
    }
    assert_eq!(KeySet::parse(&set(&many[..100])).unwrap().len(), 100);
    let only_symmetric = KeySet::parse(&set(&[oct])).unwrap();
    assert!(only_symmetric.is_empty());
    assert_eq!(only_symmetric.skipped, [Skipped::Symmetric]);
}
