//! Versions of templates, and what they leave to requests.

use super::*;
use crate::domain::settable::Settable;
use serde_json::{Map, Value, json};

fn parameter(name: &str, schema: &str) -> String {
    add(
        "templates.sandbox",
        &format!("parameters.{name} = {schema}"),
    )
}

fn swap(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

const ROLE: &str = "role_arn = \"arn:aws:iam::123456789012:role/databricks\"";

#[test]
fn every_mistake_in_what_is_left_to_requests_names_its_key() {
    let cases = [
        (
            parameter("regoin", "{}"),
            "templates.sandbox.parameters.regoin: is not a setting; did you mean `region`?: requests may set region, tier,",
        ),
        (
            parameter("account", "{}"),
            "templates.sandbox.parameters.account: is not a setting",
        ),
        (
            parameter("region", "\"us-west-2\""),
            "templates.sandbox.parameters.region: must be a table",
        ),
        (
            parameter("region", "{ enum = [\"us-west-2\", \"us-wset\"] }"),
            "templates.sandbox.parameters.region.enum: `us-wset` is not a region",
        ),
        (
            parameter("region", "{ enum = [\"us-west-2\", 7] }"),
            "templates.sandbox.parameters.region.enum: 7 is not of type \"string\"",
        ),
        (
            parameter("region", "{ enum = [\"eu-central-1\"] }"),
            "templates.sandbox.region: is the default of a parameter that does not allow it",
        ),
        (
            parameter("region", "{ type = \"integer\" }"),
            "templates.sandbox.parameters.region.type: is \"string\" and nothing else",
        ),
        (
            parameter("region", "{ default = \"us-west-2\" }"),
            "templates.sandbox.parameters.region.default: say it as `region` of the template itself",
        ),
        (
            parameter("region", "{ pattern = \"(\" }"),
            "templates.sandbox.parameters.region: ",
        ),
        // No look-around: time is linear in the text.
        (
            parameter("tier", "{ pattern = \"^(?=P)\" }"),
            "templates.sandbox.parameters.tier: ",
        ),
        (
            parameter("token_lifetime_seconds", "{ maximum = \"much\" }"),
            "templates.sandbox.parameters.token_lifetime_seconds: ",
        ),
        (
            parameter("token_lifetime_seconds", "{ enum = [63072001] }"),
            "templates.sandbox.parameters.token_lifetime_seconds.enum: 63072001",
        ),
        // Nothing is fetched.
        (
            parameter("region", "{ \"$ref\" = \"https://example.com/schema\" }"),
            "templates.sandbox.parameters.region: ",
        ),
        (
            parameter("subnet_ids", "{ items = { enum = 7 } }"),
            "templates.sandbox.parameters.subnet_ids: ",
        ),
        (
            add("templates.sandbox", "parameters = [\"region\"]"),
            "templates.sandbox.parameters: must be a table",
        ),
        (
            add("templates.sandbox", "name_pattern = \"[\""),
            "templates.sandbox.name_pattern: ",
        ),
        (
            add(
                "templates.sandbox",
                "required_tags = { cost-center = \"(\" }",
            ),
            "templates.sandbox.required_tags.cost-center: ",
        ),
        (
            add(
                "templates.sandbox",
                "required_tags = { brickyard-x = \"\" }",
            ),
            "templates.sandbox.required_tags.brickyard-x: begins as our own",
        ),
        (
            add(
                "templates.sandbox",
                "tags = { team = \"a\" }\nrequired_tags = { team = \"\" }",
            ),
            "templates.sandbox.required_tags.team: is a tag of the template itself",
        ),
        (
            format!("{EXAMPLE}{}", copy("[templates.\"sandbox@1\"]")),
            "templates.sandbox@1: is the same as [templates.sandbox]",
        ),
        (
            swap("[templates.sandbox]", "[templates.\"sandbox@01\"]"),
            "templates.sandbox@01: a name has 3 to 40",
        ),
        // A parameter does not mend what it has nothing to do with.
        (
            swap(
                ROLE,
                "parameters.bucket_name = { enum = [\"abc\", \"example-databricks-root\"] }",
            ),
            "templates.sandbox.credentials_id: give exactly one",
        ),
    ];
    for (text, expected) in cases {
        let found = one(text);
        assert!(found.starts_with(expected), "{found}\nexpected: {expected}");
    }
    let serverless = "\n[templates.light]\naccount = \"main\"\ncompute_mode = \"serverless\"\nregion = \"us-west-2\"\n\
                      secret_store = \"vault\"\nparameters.vpc_id = { enum = [\"vpc-12345678\"] }\n";
    let found = one(format!("{EXAMPLE}{serverless}"));
    assert!(
        found.starts_with("templates.light.parameters.vpc_id: a serverless"),
        "{found}"
    );
}

/// The lines of the example's template under another header.
fn copy(header: &str) -> String {
    let (_, section) = EXAMPLE.split_once("[templates.sandbox]").unwrap();
    let (section, _) = section.split_once("\n[").unwrap();
    format!("\n{header}{section}\n")
}

#[test]
fn versions_stand_side_by_side() {
    let text = format!(
        "{EXAMPLE}{}{}{}",
        copy("[templates.\"sandbox@10\"]").replace("us-west-2\"", "eu-west-1\""),
        copy("[templates.\"sandbox@2\"]"),
        copy("[templates.other]"),
    );
    let config = load_text(&text, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    let found = |reference: &str| config.templates.find(reference).map(|it| it.reference());
    for (asked, is) in [
        ("sandbox", "sandbox@10"),
        ("sandbox@10", "sandbox@10"),
        ("sandbox@1", "sandbox@1"),
        ("other", "other@1"),
    ] {
        assert_eq!(found(asked).as_deref(), Some(is), "{asked}");
    }
    for absent in ["sandbox@3", "sand", "sandbox@"] {
        assert_eq!(found(absent), None);
    }
    let newest: Vec<String> = config.templates.newest().map(|it| it.reference()).collect();
    assert_eq!(newest, ["other@1", "sandbox@10", "sandbox-azure@1"]);
    assert_eq!(config.templates.versions("sandbox"), [1, 2, 10]);
    assert!(
        summary(&config)
            .contains("templates  other@1, sandbox@1, sandbox@2, sandbox@10, sandbox-azure@1")
    );
}

#[test]
fn what_only_a_request_can_say_is_required_of_it() {
    let required = |text: &str| {
        let config = load_text(text, &[]).unwrap_or_else(|errors| panic!("{errors}"));
        let template = config.templates.find("sandbox").unwrap().clone();
        let schema = &template.demands.schema()["properties"]["parameters"];
        assert_eq!(schema["additionalProperties"], false);
        schema["required"].clone()
    };
    assert_eq!(required(EXAMPLE), json!([]));
    let region = "parameters.region = { enum = [\"us-west-2\"] }";
    assert_eq!(required(&add("templates.sandbox", region)), json!([]));
    assert_eq!(
        required(&swap("region = \"us-west-2\"", region)),
        json!(["region"])
    );
    let role = "parameters.role_arn = { pattern = \"^arn:aws:iam::123456789012:\" }";
    assert_eq!(required(&swap(ROLE, role)), json!(["role_arn"]));
    // Either will do, so neither is required; the rule is checked with the request.
    let both = format!("{role}\nparameters.credentials_id = {{ enum = [] }}");
    let both = both.replace("enum = []", "pattern = \"^0\"");
    assert_eq!(required(&swap(ROLE, &both)), json!([]));
    let subnets = "vpc_id = \"vpc-12345678\"\nsecurity_group_ids = [\"sg-12345678\"]\n\
                   parameters.subnet_ids = { items = { pattern = \"^subnet-\" } }";
    assert_eq!(
        required(&add("templates.sandbox", subnets)),
        json!(["subnet_ids"])
    );
}

#[test]
fn an_unbounded_choice_of_things_in_the_cloud_account_is_worth_a_word() {
    for (schema, warned) in [
        ("{}", 1),
        ("{ pattern = \"^a\" }", 0),
        ("{ enum = [\"abc\", \"example-databricks-root\"] }", 0),
    ] {
        let text =
            parameter("bucket_name", schema).replace("example-databricks-root\"\n", "a-root\"\n");
        let text = match schema.contains("enum") {
            true => parameter("bucket_name", schema),
            false => text,
        };
        let config = load_text(&text, &[]).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(
            config.warnings.len(),
            warned,
            "{schema}: {:?}",
            config.warnings
        );
    }
}

/// What a template lets requests say, resolved as a request's.
#[test]
fn a_source_that_is_named_replaces_the_templates() {
    let template = Settable {
        role_arn: Some("arn:aws:iam::123456789012:role/a".to_owned()),
        bucket_name: Some("root".to_owned()),
        vpc_id: Some("vpc-12345678".to_owned()),
        subnet_ids: Some(vec![
            "subnet-12345678".to_owned(),
            "subnet-87654321".to_owned(),
        ]),
        security_group_ids: Some(vec!["sg-12345678".to_owned()]),
        ..Settable::default()
    };
    let with = |others: Value| {
        let others: Map<String, Value> = others.as_object().unwrap().clone();
        template.with(&others).unwrap()
    };
    let id = "00000000-0000-4000-8000-000000000003";
    let other = with(json!({"network_id": id, "credentials_id": id}));
    assert_eq!(
        (other.network_id.as_deref(), other.credentials_id.as_deref()),
        (Some(id), Some(id))
    );
    assert!(other.vpc_id.is_none() && other.subnet_ids.is_none() && other.role_arn.is_none());
    assert!(other.bucket_name.is_some());
    let moved = with(json!({"vpc_id": "vpc-00000000"}));
    assert!(moved.subnet_ids.is_some() && moved.vpc_id.as_deref() == Some("vpc-00000000"));
    let both = with(json!({"vpc_id": "vpc-00000000", "network_id": id}));
    let wrongs = both
        .settle(
            crate::domain::cloud::Cloud::Aws,
            crate::domain::cloud::ComputeMode::Classic,
        )
        .1;
    assert!(
        wrongs.iter().any(|wrong| wrong.member == "network_id"),
        "{wrongs:?}"
    );
}
