//! The file and the environment, laid over each other, and the way from there to one section's raw struct.
//!
//! Values are never repeated in a mistake about a type, since the key may hold a secret.

use super::fingerprints::Fingerprints;
use super::{Mistake, Mistakes};
use figment::error::{Actual, Kind};
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// What every variable of ours begins with.
const PREFIX: &str = "BRICKYARD_";
/// Variables of ours that are not settings.
const NOT_SETTINGS: [&str; 1] = ["BRICKYARD_CONFIG"];
/// What Kubernetes on Azure tells a pod about its identity; a section may fall back to it.
const OF_THE_PLATFORM: [&str; 4] = [
    "AZURE_AUTHORITY_HOST",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
];

/// All settings as given, unchecked.
pub(super) struct Source {
    tree: Dict,
    /// Raw values of the environment by dotted key.
    environment: BTreeMap<String, String>,
    /// The platform's variables by name.
    #[cfg(feature = "azure")]
    platform: BTreeMap<String, String>,
}

impl Source {
    /// Lays the environment over the file's text. `Err` if the text is not TOML.
    pub(super) fn new(
        text: &str,
        variables: impl Iterator<Item = (String, String)>,
        top_level: &[&str],
        warnings: &mut Vec<Mistake>,
    ) -> Result<Self, String> {
        let mut tree: Dict = Toml::from_str(text).map_err(|error| {
            // The library's own Display shows the line, which may hold a secret.
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..at]
                .iter()
                .filter(|b| **b == b'\n')
                .count()
                + 1;
            format!("line {line}: {}", error.message())
        })?;
        let mut environment = BTreeMap::new();
        let mut platform = BTreeMap::new();
        for (name, raw) in variables {
            if OF_THE_PLATFORM.contains(&name.as_str()) && !raw.is_empty() {
                platform.insert(name, raw);
                continue;
            }
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            if raw.is_empty() || NOT_SETTINGS.contains(&name.as_str()) {
                continue;
            }
            let key = rest.to_ascii_lowercase();
            // Orchestrators put variables such as BRICKYARD_PORT beside a service of our name.
            if !key.contains("__") && !top_level.contains(&key.as_str()) {
                warnings.push(Mistake::new(&name, "is not a setting and is ignored"));
                continue;
            }
            let path: Vec<&str> = key.split("__").collect();
            let parsed = raw.parse().unwrap_or_else(|never| match never {});
            if put(&mut tree, &path, parsed) {
                environment.insert(path.join("."), raw);
            } else {
                warnings.push(Mistake::new(
                    &name,
                    "does not fit the other settings and is ignored",
                ));
            }
        }
        Ok(Self {
            tree,
            environment,
            #[cfg(feature = "azure")]
            platform,
        })
    }

    /// What the platform says in a variable of its own.
    #[cfg(feature = "azure")]
    pub(super) fn of_the_platform(&self, variable: &str) -> Option<String> {
        self.platform.get(variable).cloned()
    }

    /// Keys at the root that are none of `known`.
    pub(super) fn check_root(&self, known: &[&str], mistakes: &mut Mistakes) {
        for key in self.tree.keys() {
            if !known.contains(&key.as_str()) {
                mistakes.add(key, unknown(key, known));
            }
        }
    }

    /// The names of the tables in a section such as `accounts`.
    pub(super) fn names(&self, section: &str, mistakes: &mut Mistakes) -> Vec<String> {
        match self.tree.get(section) {
            None => Vec::new(),
            Some(Value::Dict(_, dict)) => dict.keys().cloned().collect(),
            Some(_) => {
                mistakes.add(section, format!("must be tables: [{section}.some-name]"));
                Vec::new()
            }
        }
    }

    /// What was given for a key, if anything was.
    pub(super) fn value(&self, path: &str) -> Option<&Value> {
        let (sections, last) = path.rsplit_once('.').unwrap_or(("", path));
        let mut dict = &self.tree;
        for section in sections.split('.').filter(|section| !section.is_empty()) {
            dict = dict.get(section)?.as_dict()?;
        }
        dict.get(last)
    }

    /// A text at the root. `None` after a mistake, `Some(None)` if it is absent.
    pub(super) fn root_text(&self, key: &str, mistakes: &mut Mistakes) -> Option<Option<String>> {
        match (self.tree.get(key), self.environment.get(key)) {
            (_, Some(raw)) => Some(Some(raw.clone())),
            (None, None) => Some(None),
            (Some(Value::String(_, text)), None) => Some(Some(text.clone())),
            (Some(_), None) => {
                mistakes.add(key, "must be text");
                None
            }
        }
    }

    /// A section as its raw struct. Reports all unknown keys, and the first type error, after which it is `None`.
    pub(super) fn section<T: DeserializeOwned>(
        &self,
        path: &str,
        mistakes: &mut Mistakes,
    ) -> Option<T> {
        let mut found = Some(&self.tree);
        let mut value = Value::from(Dict::new());
        for part in path.split('.') {
            match found.and_then(|dict| dict.get(part)) {
                Some(inner) => {
                    value = inner.clone();
                    found = inner.as_dict();
                }
                None => {
                    value = Value::from(Dict::new());
                    found = None;
                }
            }
        }
        if let Value::Dict(_, dict) = &mut value {
            let known = fields::<T>();
            dict.retain(|key, _| {
                let good = known.contains(&key.as_str());
                if !good {
                    mistakes.add(format!("{path}.{key}"), unknown(key, known));
                }
                good
            });
        }
        let mut as_text = BTreeSet::new();
        loop {
            let error = match value.deserialize::<T>() {
                Ok(section) => return Some(section),
                Err(error) => error,
            };
            let mut key = path.to_owned();
            for part in &error.path {
                key.push('.');
                key.push_str(part);
            }
            // A value of the environment looks like a number but is meant as text: `ACCOUNT_ID=0123`.
            if let (Kind::InvalidType(..), Some(raw), Value::Dict(_, dict)) =
                (&error.kind, self.environment.get(&key), &mut value)
                && as_text.insert(key.clone())
            {
                let path: Vec<&str> = error.path.iter().map(String::as_str).collect();
                if put(dict, &path, Value::from(raw.as_str())) {
                    continue;
                }
            }
            if let Kind::UnknownField(field, known) = &error.kind {
                if error.path.last() != Some(field) {
                    key = format!("{key}.{field}");
                }
                mistakes.add(key, unknown(field, known));
            } else {
                mistakes.add(key, describe(&error.kind));
            }
            return None;
        }
    }

    /// What tells the sections from those of another configuration.
    pub(super) fn fingerprints(&self) -> Fingerprints {
        Fingerprints::of(&self.tree)
    }

    /// The variable a key was given by, if it was.
    pub(super) fn variable(&self, key: &str) -> Option<String> {
        self.environment
            .contains_key(key)
            .then(|| format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase()))
    }
}

/// Puts a value at a path, making tables on the way. `false` if something that is no table is in the way.
fn put(dict: &mut Dict, path: &[&str], value: Value) -> bool {
    match path {
        [] => false,
        [last] => {
            dict.insert((*last).to_owned(), value);
            true
        }
        [first, rest @ ..] => {
            let inner = dict
                .entry((*first).to_owned())
                .or_insert_with(|| Value::from(Dict::new()));
            match inner {
                Value::Dict(_, inner) => put(inner, rest, value),
                _ => false,
            }
        }
    }
}

fn describe(kind: &Kind) -> String {
    match kind {
        Kind::InvalidType(actual, expected) => {
            format!("must be {}, not {}", plain(expected), what(actual))
        }
        Kind::InvalidValue(_, expected) => format!("is out of range for {}", plain(expected)),
        Kind::UnknownVariant(found, known) => {
            format!("`{found}` is none of {}", known.join(", "))
        }
        Kind::MissingField(field) => format!("`{field}` is required"),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "is out of range".to_owned(),
        Kind::Message(text) => text.clone(),
        _ => "cannot be understood".to_owned(),
    }
}

fn plain(expected: &str) -> &str {
    match expected {
        "a string" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a table",
        "f64" => "a number",
        number if number.starts_with(['u', 'i']) && number.len() <= 5 => "a whole number",
        strukt if strukt.starts_with("struct ") => "a table",
        other => other,
    }
}

fn what(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) => "a number",
        Actual::Float(_) => "a fraction",
        Actual::Char(_) | Actual::Str(_) => "text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "this",
    }
}

pub(super) fn unknown(key: &str, known: &[&str]) -> String {
    let closest = known.iter().min_by_key(|k| distance(key, k));
    match closest {
        Some(closest) if distance(key, closest) <= 1 + closest.len() / 4 => {
            format!("is not a setting; did you mean `{closest}`?")
        }
        _ => "is not a setting".to_owned(),
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The names of a raw struct's fields, asked from its `Deserialize`.
pub(super) fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    let found = Cell::new(&[] as &[&str]);
    // It always fails; what counts is what it asks for.
    let _ = T::deserialize(Recorder(&found));
    found.get()
}

struct Recorder<'c>(&'c Cell<&'static [&'static str]>);

impl<'de> serde::Deserializer<'de> for Recorder<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("only recording"))
    }

    fn deserialize_struct<V: serde::de::Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.set(fields);
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
