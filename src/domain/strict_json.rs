//! JSON from outside where its meaning decides something: every member once, no deeper than allowed, nothing after
//! the end.
//!
//! `serde_json` alone keeps the last of two equal members; a proxy or a check that keeps the first would see something
//! else.

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::Cell;
use std::fmt;

/// What is wrong with the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// Not JSON at all, or something follows it.
    #[error("not valid JSON")]
    Syntax,
    /// A member stands twice in one object.
    #[error("a member stands twice")]
    DuplicateMember,
    /// Nested deeper than allowed.
    #[error("nested too deep")]
    TooDeep,
}

/// A text that is refused: the kind of fault, for decisions, and a message with line and column, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// The kind.
    pub fault: Fault,
    /// Where and what; never more of the text than serde_json quotes.
    pub message: String,
}

/// Parses one JSON text; the outermost value is level 1 of `max_depth`.
///
/// # Errors
/// If the text is not exactly one acceptable JSON value.
pub fn parse(bytes: &[u8], max_depth: usize) -> Result<Value, Invalid> {
    let fault = Cell::new(Fault::Syntax);
    let strict = Strict {
        depth: 0,
        max_depth,
        fault: &fault,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = strict.deserialize(&mut deserializer);
    let parsed = parsed.and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| Invalid {
        fault: fault.get(),
        message: error.to_string(),
    })
}

#[derive(Clone, Copy)]
struct Strict<'f> {
    depth: usize,
    max_depth: usize,
    fault: &'f Cell<Fault>,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == self.max_depth {
            self.fault.set(Fault::TooDeep);
            return Err(E::custom(format_args!(
                "nested deeper than {} levels",
                self.max_depth
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                self.fault.set(Fault::DuplicateMember);
                return Err(A::Error::custom(Fault::DuplicateMember));
            }
            let value = members.next_value_seed(inner)?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_a_kind_and_a_place() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        let cases: &[(&str, Option<Fault>)] = &[
            (r#"{"a":1,"b":[true,null,"x",-2,1.5]}"#, None),
            (&nested(32), None),
            (&nested(32 + 1), Some(Fault::TooDeep)),
            (r#"{"a":1,"a":1}"#, Some(Fault::DuplicateMember)),
            (r#"{"a":1,"\u0061":2}"#, Some(Fault::DuplicateMember)),
            (r#"{"o":{"a":1,"a":2}}"#, Some(Fault::DuplicateMember)),
            (
                r#"{"o":[{"a":1,"b":1,"a":2}]}"#,
                Some(Fault::DuplicateMember),
            ),
            (r#"{"a":1} {}"#, Some(Fault::Syntax)),
            (r#"{"a":1,}"#, Some(Fault::Syntax)),
            (r#"{"a":1e999}"#, Some(Fault::Syntax)),
            ("", Some(Fault::Syntax)),
        ];
        for (text, fault) in cases {
            assert_eq!(
                parse(text.as_bytes(), 32).err().map(|e| e.fault),
                *fault,
                "{text}"
            );
        }
        for (bad, part) in [
            (r#"{"a":1,"a":1}"#, "twice at line 1 column"),
            (r#"{"a":1,"\u0061":2}"#, "twice"),
            (
                "{\n\"o\":[{\"a\":1,\"b\":1,\"a\":2}]}",
                "twice at line 2 column",
            ),
            (&nested(32 + 1), "deeper than 32 levels at line 1"),
            (r#"{"a":1} {}"#, "trailing characters at line 1 column 9"),
            (r#"{"a":1,}"#, "column 8"),
            (r#"{"a":NaN}"#, "column"),
            (r#"{"a":1e999}"#, "out of range"),
            (r#"{"a":"\ud800"}"#, "column"),
            ("", "line 1 column 0"),
        ] {
            let error = parse(bad.as_bytes(), 32).unwrap_err().to_string();
            assert!(error.contains(part), "{bad}: {error}");
        }
        assert!(parse(b"{\"a\":\"\xff\"}", 32).is_err());
        assert!(parse(b"\xef\xbb\xbf{}", 32).is_err());
        assert!(parse(b" 1 ", 32).is_ok());
    }
}
