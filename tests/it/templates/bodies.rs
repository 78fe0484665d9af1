//! Requests for the second version of `sandbox`: good ones, and others with what of each is refused.

use serde_json::{Value, json};

/// A request that version 2 allows.
pub(super) fn good() -> Value {
    json!({
        "name": "dev-one", "template": "sandbox", "tags": {"cost-center": "4711", "purpose": "trying"},
        "parameters": {
            "region": "eu-central-1",
            "role_arn": "arn:aws:iam::111122223333:role/analytics",
            "token_lifetime_seconds": 3600,
        },
    })
}

/// The good request with other members, by pointer; null takes one away.
pub(super) fn but(changes: &[(&str, Value)]) -> Value {
    let mut body = good();
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let members = body.pointer_mut(parent).and_then(Value::as_object_mut);
        let members = members.expect("an object");
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value.clone());
        }
    }
    body
}

/// Bodies, and what of each is refused. Those with no pointer are good.
pub(super) fn bodies() -> Vec<(Value, Vec<&'static str>)> {
    let vpc = json!({"vpc_id": "vpc-12345678", "subnet_ids": ["subnet-12345678", "subnet-87654321"], "security_group_ids": ["sg-12345678"]});
    let in_vpc = |changes: &[(&str, Value)]| {
        let mut body = good();
        for (name, value) in vpc.as_object().expect("members") {
            body["parameters"][name] = value.clone();
        }
        for (name, value) in changes {
            body["parameters"][name] = value.clone();
        }
        body
    };
    let p = "/parameters";
    vec![
        (good(), vec![]),
        (but(&[("/template", json!("sandbox@2"))]), vec![]),
        (but(&[("/parameters/tier", json!("PREMIUM"))]), vec![]),
        (but(&[("/tags/more", json!("x"))]), vec![]),
        (
            but(&[("/parameters/token_lifetime_seconds", Value::Null)]),
            vec![],
        ),
        (in_vpc(&[]), vec![]),
        (
            but(&[(p, Value::Null)]),
            vec!["/parameters/region", "/parameters/role_arn"],
        ),
        (
            but(&[(p, json!({}))]),
            vec!["/parameters/region", "/parameters/role_arn"],
        ),
        (
            but(&[("/tags", Value::Null)]),
            vec!["/tags/cost-center", "/tags/purpose"],
        ),
        (
            but(&[("/tags/cost-center", json!("47-11"))]),
            vec!["/tags/cost-center"],
        ),
        (but(&[("/name", json!("prod-one"))]), vec!["/name"]),
        (
            but(&[("/parameters/region", json!("us-east-1"))]),
            vec!["/parameters/region"],
        ),
        (
            but(&[("/parameters/region", json!(["us-west-2"]))]),
            vec!["/parameters/region"],
        ),
        (
            but(&[("/parameters/tier", json!("GOLD"))]),
            vec!["/parameters/tier"],
        ),
        (
            but(&[("/parameters/token_lifetime_seconds", json!(2_592_001))]),
            vec!["/parameters/token_lifetime_seconds"],
        ),
        (
            but(&[("/parameters/token_lifetime_seconds", json!(0))]),
            vec!["/parameters/token_lifetime_seconds"],
        ),
        (
            but(&[("/parameters/token_lifetime_seconds", json!("3600"))]),
            vec!["/parameters/token_lifetime_seconds"],
        ),
        (
            but(&[(
                "/parameters/role_arn",
                json!("arn:aws:iam::999999999999:role/theirs"),
            )]),
            vec!["/parameters/role_arn"],
        ),
        (
            in_vpc(&[("vpc_id", json!("vpc-87654321"))]),
            vec!["/parameters/vpc_id"],
        ),
        (
            in_vpc(&[("subnet_ids", json!(["subnet-12345678"]))]),
            vec!["/parameters/subnet_ids"],
        ),
        (
            in_vpc(&[("subnet_ids", json!(["subnet-12345678", "x"]))]),
            vec!["/parameters/subnet_ids/1"],
        ),
        (
            in_vpc(&[("subnet_ids", json!(["subnet-12345678", "subnet-12345678"]))]),
            vec!["/parameters/subnet_ids"],
        ),
        (
            but(&[
                ("/name", json!("prod")),
                ("/tags/purpose", Value::Null),
                ("/parameters/region", json!("moon")),
                ("/parameters/tier", json!(1)),
                ("/deployment_name", json!("empty")),
                ("/parameters/a~1b", json!(1)),
            ]),
            vec![
                "/deployment_name",
                "/name",
                "/parameters/a~01b",
                "/parameters/region",
                "/parameters/tier",
                "/parameters/tier",
                "/tags/purpose",
            ],
        ),
    ]
}
