//! The wish: what a caller asked for, word by word. Two wishes are compared as they were said, not as they were
//! resolved: a template that has become newer since, or a default that has changed, makes no difference.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Members of a request that say which workspace is meant, or that live only here and can be changed at any time.
const NOT_UPSTREAM: [&str; 6] = [
    "name",
    "team",
    "owner",
    "labels",
    "deletion_protection",
    "ttl_seconds",
];

/// The part of a request that decides what is made at the vendor. What is null or empty was not asked for.
pub fn wish(request: &Value) -> Value {
    let mut members = request.as_object().cloned().unwrap_or_default();
    members.retain(|name, value| !NOT_UPSTREAM.contains(&name.as_str()) && !is_empty(value));
    Value::Object(members)
}

/// RFC 6901 pointers to everything that `asked` says otherwise than `stored`. A template without a version is content
/// with the version `made_from` has; a version that is named must be that one.
pub fn differences(stored: Option<&Value>, asked: &Value, made_from: &str) -> Vec<String> {
    let mut pointers = Vec::new();
    let template = asked["template"].as_str().unwrap_or_default();
    if template != made_from && made_from.split('@').next() != Some(template) {
        pointers.push("/template".to_owned());
    }
    // What was asked for before wishes were kept is not known; the template is.
    if let Some(stored) = stored {
        let without_template = |value: &Value| {
            let mut members = value.as_object().cloned().unwrap_or_default();
            members.remove("template");
            members
        };
        compare(
            &without_template(stored),
            &without_template(asked),
            "",
            &mut pointers,
        );
    }
    pointers
}

/// Whether a difference is one of tags: they can be changed.
pub fn is_tag(pointer: &str) -> bool {
    pointer == "/tags" || pointer.starts_with("/tags/")
}

/// The tags that were asked for. What was asked for before wishes were kept is not known: then `there` are taken for it.
pub fn tags(stored: Option<&Value>, there: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let Some(stored) = stored else {
        return there.clone();
    };
    let asked = stored.get("tags").cloned().unwrap_or_default();
    serde_json::from_value(asked).unwrap_or_default()
}

/// The wish with these tags instead of its own.
pub fn with_tags(stored: &Value, tags: &BTreeMap<String, String>) -> Value {
    let mut members = stored.as_object().cloned().unwrap_or_default();
    members.insert("tags".to_owned(), json!(tags));
    wish(&Value::Object(members))
}

fn compare(
    stored: &Map<String, Value>,
    asked: &Map<String, Value>,
    place: &str,
    found: &mut Vec<String>,
) {
    let nothing = Map::new();
    let new = asked.keys().filter(|name| !stored.contains_key(*name));
    for name in stored.keys().chain(new) {
        let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
        match (stored.get(name), asked.get(name)) {
            (one, other) if one == other => {}
            (Some(Value::Object(one)), Some(Value::Object(other))) => {
                compare(one, other, &place, found);
            }
            (Some(Value::Object(one)), None) => compare(one, &nothing, &place, found),
            (None, Some(Value::Object(other))) => compare(&nothing, other, &place, found),
            _ => found.push(place),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_what_decides_upstream() {
        let request = json!({
            "name": "a", "team": "t", "owner": "o", "labels": {"k": "v"}, "deletion_protection": true,
            "ttl_seconds": 60, "template": "sandbox", "tags": {}, "deployment_name": null,
        });
        assert_eq!(wish(&request), json!({"template": "sandbox"}));
    }

    #[test]
    fn tags_are_exchanged_and_nothing_else() {
        let stored = json!({"template": "sandbox", "tags": {"a": "1"}});
        let there = BTreeMap::from([("b".to_owned(), "2".to_owned())]);
        assert_eq!(
            tags(Some(&stored), &there),
            [("a".to_owned(), "1".to_owned())].into()
        );
        assert_eq!(tags(Some(&json!({})), &there), BTreeMap::new());
        assert_eq!(tags(None, &there), there);
        assert_eq!(
            with_tags(&stored, &there),
            json!({"template": "sandbox", "tags": {"b": "2"}})
        );
        assert_eq!(
            with_tags(&stored, &BTreeMap::new()),
            json!({"template": "sandbox"})
        );
    }

    #[test]
    fn every_difference_is_named() {
        let stored =
            json!({"template": "sandbox", "tags": {"a": "1", "b/c": "2"}, "deployment_name": "x"});
        let same = |asked: Value| differences(Some(&stored), &asked, "sandbox");
        assert_eq!(same(stored.clone()), Vec::<String>::new());
        let other = json!({"template": "large", "tags": {"a": "2", "d": "3"}, "size": 4});
        let mut pointers = same(other);
        pointers.sort();
        assert_eq!(
            pointers,
            [
                "/deployment_name",
                "/size",
                "/tags/a",
                "/tags/b~1c",
                "/tags/d",
                "/template"
            ]
        );
        assert_eq!(
            same(json!({"template": "sandbox", "deployment_name": "x"})).len(),
            2
        );
    }

    #[test]
    fn a_bare_template_is_content_with_any_version() {
        let of = |asked: &str, made_from: &str| {
            differences(None, &json!({"template": asked}), made_from).is_empty()
        };
        assert!(of("sandbox", "sandbox@3") && of("sandbox", "sandbox"));
        assert!(of("sandbox@3", "sandbox@3"));
        assert!(!of("sandbox@4", "sandbox@3") && !of("sand", "sandbox@3"));
    }
}
