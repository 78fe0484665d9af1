//! Values as this vendor writes them, read with patience: numbers as text, lists bare or wrapped, nulls.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;

/// An id: a positive int64, as number or as text.
pub fn id64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let id = as_i64(&value).filter(|id| *id > 0);
    id.ok_or_else(|| D::Error::custom("not an int64 id"))
}

/// An id as text that the vendor may write as a number.
pub fn id_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) if is_id(&text) => Ok(text),
        Value::Number(number) if number.is_u64() => Ok(number.to_string()),
        _ => Err(D::Error::custom("not a well-formed id")),
    }
}

/// A time in ms since the epoch; anything else is unknown.
pub fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(as_i64(&value).filter(|ms| *ms >= 0))
}

/// Text; null and other things are empty.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        _ => Ok(String::new()),
    }
}

/// An id that need not be there; null and 0 are none.
pub fn no_id64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(as_i64(&value).filter(|id| *id > 0))
}

/// A value that may be null.
pub fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

fn as_i64(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Whether `id` may stand in a path: letters, digits, `-` and `_` only.
pub fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The elements of a list that is a bare array or stands under `name`; an empty object is an empty list.
pub fn list<T: DeserializeOwned>(value: Value, name: &str) -> Result<Vec<T>, serde_json::Error> {
    let elements = match value {
        Value::Object(mut fields) => match fields.remove(name) {
            Some(Value::Null) => Value::Array(Vec::new()),
            Some(inner) => inner,
            None if fields.values().any(|it| it.is_array() || it.is_object()) => {
                return Err(serde_json::Error::custom(format!("no list called {name}")));
            }
            None => Value::Array(Vec::new()),
        },
        bare => bare,
    };
    serde_json::from_value(elements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Deserialize)]
    struct Thing {
        #[serde(deserialize_with = "id64")]
        id: i64,
    }

    #[test]
    fn ids() {
        for good in [json!(8305471331990263_i64), json!("8305471331990263")] {
            let thing: Thing = serde_json::from_value(json!({"id": good, "new": {}})).unwrap();
            assert_eq!(thing.id, 8305471331990263);
        }
        for bad in [
            json!(-1),
            json!(0),
            json!(9223372036854775808_u64),
            json!(1.5),
            json!("x"),
            json!(null),
        ] {
            assert!(
                serde_json::from_value::<Thing>(json!({"id": bad})).is_err(),
                "{bad}"
            );
        }
        assert!(is_id("3f2a-B_9"));
        for bad in ["", "a/b", "..", "a b", "a?b", &"a".repeat(129)] {
            assert!(!is_id(bad), "{bad}");
        }
    }

    #[derive(Deserialize)]
    struct Loose {
        #[serde(default, deserialize_with = "no_id64")]
        id: Option<i64>,
        #[serde(default, deserialize_with = "or_default")]
        words: Vec<String>,
    }

    #[test]
    fn what_need_not_be_there() {
        for (value, id) in [
            (json!({}), None),
            (json!({"id": null, "words": null}), None),
            (json!({"id": 0, "words": []}), None),
            (json!({"id": "8305471331990263"}), Some(8305471331990263)),
        ] {
            let loose: Loose = serde_json::from_value(value).unwrap();
            assert_eq!((loose.id, loose.words.len()), (id, 0));
        }
    }

    #[test]
    fn lists() {
        for (value, count) in [
            (json!([{"id": 1}, {"id": "2"}]), 2),
            (json!({"things": [{"id": 1}], "next": "x"}), 1),
            (json!({}), 0),
            (json!({"things": null}), 0),
            (json!([]), 0),
        ] {
            assert_eq!(list::<Thing>(value, "things").unwrap().len(), count);
        }
        for bad in [
            json!({"others": [1]}),
            json!("x"),
            json!(null),
            json!([{"no": 1}]),
        ] {
            assert!(list::<Thing>(bad, "things").is_err());
        }
    }
}
