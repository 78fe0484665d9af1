//! Claims and JSON: the rules J6, J7 and J8.

use super::super::super::refusal::Part;
use super::*;
use crate::domain::strict_json::Fault;

#[test]
fn j6_required_claims_and_their_types() {
    let is_text = ["iss", "sub"];
    for name in ["iss", "sub", "aud", "exp", "iat"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(of_claims(&claims), Err(Refusal::MissingClaim(name)));
        let mut bad = vec![json!(null), json!(true), json!({}), json!([])];
        if is_text.contains(&name) {
            bad.extend([json!(7), json!(""), json!([claims_text(name)])]);
        } else if name == "aud" {
            bad.extend([
                json!(7),
                json!([7]),
                json!([AUDIENCE, 7]),
                json!([[AUDIENCE]]),
            ]);
        }
        for value in bad {
            let result = of_claims(&with(claims.clone(), name, value.clone()));
            assert_eq!(result, Err(Refusal::BadClaim(name)), "{name} {value}");
        }
    }
    for sub in ["x".repeat(256), "a\nb".to_owned(), "a\0".to_owned()] {
        let result = of_claims(&with(claims(), "sub", json!(sub)));
        assert_eq!(result, Err(Refusal::BadClaim("sub")));
    }
}

fn claims_text(name: &str) -> Value {
    claims()[name].clone()
}

#[test]
fn j6_numbers() {
    for name in ["exp", "iat", "nbf"] {
        for text in [
            "\"1800000600\"",
            "1800000600.5",
            "1800000600.0",
            "18e8",
            "-1",
            "-0.0",
            "1e308",
            "9007199254740992",
            "18446744073709551616",
            "null",
            "true",
            "[1800000600]",
        ] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            let open = claims.to_string();
            let open = open.trim_end_matches('}');
            let text = format!("{open},\"{name}\":{text}}}");
            let token = sign_text(&header(Signer::RsaA, "a").to_string(), &text, Signer::RsaA);
            assert_eq!(refusal(&token), Refusal::BadClaim(name), "{text}");
        }
    }
    // beyond f64 it is not even JSON to us
    let text = claims()
        .to_string()
        .replace(&(NOW + 600).to_string(), "1e999");
    let token = sign_text(&header(Signer::RsaA, "a").to_string(), &text, Signer::RsaA);
    assert_eq!(refusal(&token), Refusal::Json(Part::Claims, Fault::Syntax));
}

#[test]
fn j6_times_to_the_second() {
    let times = |iat: i64, nbf: Option<i64>, exp: i64| {
        let mut claims = claims();
        claims["iat"] = json!(iat);
        claims["exp"] = json!(exp);
        match nbf {
            Some(nbf) => claims["nbf"] = json!(nbf),
            None => drop(claims.as_object_mut().unwrap().remove("nbf")),
        }
        of_claims(&claims).err()
    };
    let day = 24 * 3600;
    let cases = [
        (times(NOW - 600, None, NOW - 59), None),
        (times(NOW - 600, None, NOW - 60), Some(Refusal::Expired)),
        (times(NOW - 600, None, NOW - 61), Some(Refusal::Expired)),
        (times(NOW, Some(NOW + 60), NOW + 600), None),
        (
            times(NOW, Some(NOW + 61), NOW + 600),
            Some(Refusal::NotYetValid),
        ),
        (times(NOW + 60, None, NOW + 600), None),
        (
            times(NOW + 61, None, NOW + 600),
            Some(Refusal::IssuedInTheFuture),
        ),
        (times(NOW, None, NOW + day), None),
        (times(NOW, None, NOW + day + 1), Some(Refusal::Lifetime)),
        (times(NOW, None, NOW + 3650 * day), Some(Refusal::Lifetime)),
        (times(0, None, NOW + 600), Some(Refusal::Lifetime)),
        (times(NOW + 10, None, NOW + 10), Some(Refusal::Lifetime)),
        (times(NOW + 50, None, NOW + 10), Some(Refusal::Lifetime)),
    ];
    for (at, (found, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found, expected, "case {at}");
    }
}

#[test]
fn j6_issuer_and_audience() {
    for iss in [
        "https://login.example.com",
        "HTTPS://login.example.com/",
        "https://evil.example/",
    ] {
        let result = of_claims(&with(claims(), "iss", json!(iss)));
        assert_eq!(result, Err(Refusal::WrongIssuer), "{iss}");
    }
    assert!(of_claims(&with(claims(), "aud", json!(["other", AUDIENCE]))).is_ok());
    for aud in [
        json!("other"),
        json!("brickyard2"),
        json!(["other"]),
        json!("Brickyard"),
        json!(""),
    ] {
        let result = of_claims(&with(claims(), "aud", aud.clone()));
        assert_eq!(result, Err(Refusal::WrongAudience), "{aud}");
    }
    let ci = IssuerPolicy {
        single_audience: true,
        max_lifetime_seconds: 3600,
        ..policy()
    };
    let of_ci = |claims: Value| {
        let token = sign(&header(Signer::RsaA, "a"), &claims, Signer::RsaA);
        verify(&keys(), &ci, &token, NOW).err()
    };
    assert_eq!(of_ci(claims()), None);
    assert_eq!(of_ci(with(claims(), "aud", json!([AUDIENCE]))), None);
    let two = with(claims(), "aud", json!([AUDIENCE, "other"]));
    assert_eq!(of_ci(two), Some(Refusal::SeveralAudiences));
    let twice = with(claims(), "aud", json!([AUDIENCE, AUDIENCE]));
    assert_eq!(of_ci(twice), Some(Refusal::SeveralAudiences));
    let long = with(claims(), "exp", json!(NOW + 3600));
    assert_eq!(of_ci(long), Some(Refusal::Lifetime));
}

#[test]
fn j7_tokens_of_another_kind() {
    for name in ["nonce", "at_hash", "c_hash", "events"] {
        let result = of_claims(&with(claims(), name, json!("x")));
        assert_eq!(result, Err(Refusal::WrongKind(name)));
    }
    for typ in [
        json!("JWT"),
        json!("at+jwt"),
        json!("application/at+jwt"),
        json!("AT+JWT"),
    ] {
        let header = with(header(Signer::RsaA, "a"), "typ", typ);
        let token = sign(&header, &claims(), Signer::RsaA);
        assert!(verify(&keys(), &policy(), &token, NOW).is_ok());
    }
    for typ in [
        json!("logout+jwt"),
        json!("secevent+jwt"),
        json!("dpop+jwt"),
        json!(""),
        json!(null),
        json!(["JWT"]),
    ] {
        let header = with(header(Signer::RsaA, "a"), "typ", typ.clone());
        assert_eq!(of_header(&header), Refusal::WrongType, "{typ}");
    }
    let bound = IssuerPolicy {
        authorized_parties: vec!["portal".to_owned()],
        ..policy()
    };
    for (claims, expected) in [
        (with(claims(), "azp", json!("portal")), None),
        (with(claims(), "client_id", json!("portal")), None),
        (
            with(claims(), "azp", json!("other")),
            Some(Refusal::WrongClient),
        ),
        (
            with(claims(), "azp", json!(["portal"])),
            Some(Refusal::WrongClient),
        ),
        (claims(), Some(Refusal::WrongClient)),
        (
            with(
                with(claims(), "azp", json!("portal")),
                "client_id",
                json!("other"),
            ),
            Some(Refusal::WrongClient),
        ),
    ] {
        let token = sign(&header(Signer::RsaA, "a"), &claims, Signer::RsaA);
        assert_eq!(verify(&keys(), &bound, &token, NOW).err(), expected);
    }
}

#[test]
fn j7_an_issuer_that_marks_its_access_tokens() {
    let marked = IssuerPolicy {
        token_types: vec!["at+jwt".to_owned()],
        ..policy()
    };
    for (typ, expected) in [
        (json!("at+jwt"), None),
        (json!("application/at+jwt"), None),
        (json!("AT+JWT"), None),
        // the same issuer's ID token, signed with the same key
        (json!("JWT"), Some(Refusal::WrongType)),
        (json!("id+jwt"), Some(Refusal::WrongType)),
        (json!(null), Some(Refusal::WrongType)),
    ] {
        let header = with(header(Signer::RsaA, "a"), "typ", typ.clone());
        let token = sign(&header, &claims(), Signer::RsaA);
        assert_eq!(
            verify(&keys(), &marked, &token, NOW).err(),
            expected,
            "{typ}"
        );
    }
    let mut without = header(Signer::RsaA, "a");
    without.as_object_mut().unwrap().remove("typ");
    let token = sign(&without, &claims(), Signer::RsaA);
    assert_eq!(
        verify(&keys(), &marked, &token, NOW),
        Err(Refusal::WrongType)
    );
    assert!(verify(&keys(), &policy(), &token, NOW).is_ok());
}

#[test]
fn j11_what_is_denied() {
    let denying = |denied: Denied| IssuerPolicy { denied, ..policy() };
    let list = |text: &str| HashSet::from([text.to_owned()]);
    let by_subject = denying(Denied {
        subjects: list("ada"),
        ..Denied::default()
    });
    let by_token = denying(Denied {
        tokens: list("t-1"),
        ..Denied::default()
    });
    let by_key = denying(Denied {
        keys: list("a"),
        ..Denied::default()
    });
    let of = |policy: &IssuerPolicy, claims: &Value, signer: Signer, kid: &str| {
        let token = sign(&header(signer, kid), claims, signer);
        verify(&keys(), policy, &token, NOW).err()
    };
    let one = with(claims(), "jti", json!("t-1"));
    let two = with(claims(), "jti", json!("t-2"));
    let bob = with(claims(), "sub", json!("bob"));
    for (policy, claims, kid, expected) in [
        (&by_subject, &one, "a", Some(Refusal::Denied("sub"))),
        (&by_subject, &bob, "a", None),
        (&by_token, &one, "a", Some(Refusal::Denied("jti"))),
        (&by_token, &two, "a", None),
        (&by_token, &claims(), "a", None),
        (&by_key, &one, "a", Some(Refusal::Denied("kid"))),
        (&by_key, &bob, "a", Some(Refusal::Denied("kid"))),
        (&by_key, &one, "b", None),
    ] {
        let signer = if kid == "a" {
            Signer::RsaA
        } else {
            Signer::RsaB
        };
        assert_eq!(of(policy, claims, signer, kid), expected, "{claims} {kid}");
    }
    // A denied name in a token that is no good anyway is not what it is refused for.
    assert_eq!(
        of(&by_key, &one, Signer::RsaB, "a"),
        Some(Refusal::BadSignature)
    );
}

#[test]
fn j11_tokens_for_one_use_have_an_id() {
    let once = IssuerPolicy {
        single_use: true,
        ..policy()
    };
    let of = |policy: &IssuerPolicy, claims: &Value| {
        let token = sign(&header(Signer::RsaA, "a"), claims, Signer::RsaA);
        verify(&keys(), policy, &token, NOW)
    };
    assert_eq!(of(&once, &claims()), Err(Refusal::MissingClaim("jti")));
    let one = with(claims(), "jti", json!("t-1"));
    assert_eq!(of(&once, &one).unwrap().token_id.as_deref(), Some("t-1"));
    for bad in [
        json!(7),
        json!(null),
        json!(""),
        json!("a\nb"),
        json!("x".repeat(256)),
        json!(["t-1"]),
    ] {
        let result = of(&policy(), &with(claims(), "jti", bad.clone()));
        assert_eq!(result, Err(Refusal::BadClaim("jti")), "{bad}");
    }
}

#[test]
fn j8_duplicate_members_and_depth() {
    let good_header = header(Signer::RsaA, "a").to_string();
    let good_claims = claims().to_string();
    let more = |json: &str, member: &str| format!("{},{member}}}", &json[..json.len() - 1]);
    let duplicate = |part| Refusal::Json(part, Fault::DuplicateMember);
    let deep = format!("\"x\":{}{}", "[".repeat(16), "]".repeat(16));
    let cases = [
        (
            more(&good_header, "\"alg\":\"RS256\""),
            good_claims.clone(),
            duplicate(Part::Header),
        ),
        (
            more(&good_header, "\"alg\":\"none\""),
            good_claims.clone(),
            duplicate(Part::Header),
        ),
        (
            more(&good_header, "\"kid\":\"b\""),
            good_claims.clone(),
            duplicate(Part::Header),
        ),
        (
            good_header.clone(),
            more(&good_claims, "\"sub\":\"eve\""),
            duplicate(Part::Claims),
        ),
        (
            good_header.clone(),
            more(&good_claims, "\"s\\u0075b\":\"eve\""),
            duplicate(Part::Claims),
        ),
        (
            good_header.clone(),
            more(&good_claims, "\"aud\":\"brickyard\""),
            duplicate(Part::Claims),
        ),
        (
            good_header.clone(),
            more(&good_claims, "\"x\":{\"y\":1,\"y\":1}"),
            duplicate(Part::Claims),
        ),
        (
            good_header.clone(),
            more(&good_claims, &deep),
            Refusal::Json(Part::Claims, Fault::TooDeep),
        ),
        (
            more(&good_header, &deep),
            good_claims.clone(),
            Refusal::Json(Part::Header, Fault::TooDeep),
        ),
        (
            good_header.clone(),
            format!("{good_claims}{{}}"),
            Refusal::Json(Part::Claims, Fault::Syntax),
        ),
    ];
    for (header, claims, expected) in cases {
        assert_eq!(
            refusal(&sign_text(&header, &claims, Signer::RsaA)),
            expected,
            "{header} {claims}"
        );
    }
}
