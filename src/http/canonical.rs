//! One text for one value: what the fingerprint of a request is taken of, however the caller spelled it.

use serde_json::Value;

/// The same value always gives the same bytes: members sorted, no blanks.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(member, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> serde_json::Result<Value> {
        serde_json::from_slice(bytes)
    }

    #[test]
    fn canonical_sorts_members_at_every_level() {
        let one = parse(br#"{ "b": [1, {"z": "\u00e4", "y": null}], "a": true }"#).unwrap();
        let two = parse("{\"a\":true,\"b\":[1,{\"y\":null,\"z\":\"ä\"}]}".as_bytes()).unwrap();
        assert_eq!(canonical(&one), canonical(&two));
        assert_eq!(canonical(&one), r#"{"a":true,"b":[1,{"y":null,"z":"ä"}]}"#);
        let other = parse(br#"{"a":true,"b":[{"z":"x"},1]}"#).unwrap();
        assert_ne!(canonical(&one), canonical(&other));
    }
}
