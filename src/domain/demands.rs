//! What a template demands of a request, as one JSON Schema over the request's body: the parameters that may be set,
//! the tags that must be there, the pattern of names. The same schema is checked and shown.

use super::cloud::{Cloud, ComputeMode};
use super::settable::{Settable, is_object, members};
use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Largest compiled form of one pattern.
const PATTERN_BYTES: usize = 1 << 20;

/// The compiled demands.
#[derive(Clone)]
pub struct Demands {
    schema: Value,
    validator: Arc<Validator>,
}

/// What they are made from.
#[derive(Debug, Clone)]
pub struct Wanted<'w> {
    /// A regular expression that every name must match.
    pub name_pattern: Option<&'w str>,
    /// Tags that a request must have, and a regular expression for each value.
    pub required_tags: &'w BTreeMap<String, String>,
    /// The parameters, each with what narrows its schema.
    pub parameters: &'w BTreeMap<String, Value>,
    /// The template's own values of these members: what they are if a request does not say.
    pub defaults: &'w Settable,
    /// Parameters without which there is no workspace.
    pub required: &'w [String],
}

/// A place in what they are made from, and what is wrong there.
pub type Mistaken = (String, String);

impl Demands {
    /// Compiles them.
    ///
    /// # Errors
    /// Everything that is wrong, by its place: `parameters.region.enum`.
    pub fn compile(wanted: &Wanted<'_>) -> Result<Self, Vec<Mistaken>> {
        let mut mistakes = Vec::new();
        let mut note = |place: String, schema: &Value| {
            if let Err(why) = validator(schema) {
                mistakes.push((place, why));
            }
        };
        if let Some(pattern) = wanted.name_pattern {
            note("name_pattern".to_owned(), &json!({"pattern": pattern}));
        }
        for (tag, pattern) in wanted.required_tags {
            note(format!("required_tags.{tag}"), &json!({"pattern": pattern}));
        }
        let known: BTreeMap<_, _> = members().into_iter().collect();
        let mut parameters = Map::new();
        let given = wanted.defaults.given();
        for (name, own) in wanted.parameters {
            let base = known.get(name.as_str()).cloned().unwrap_or_default();
            match parameter(name, own, base, given.get(name)) {
                Ok(schema) => {
                    parameters.insert(name.clone(), schema);
                }
                Err(mistake) => mistakes.push(mistake),
            }
        }
        let schema = schema(wanted, parameters);
        match validator(&schema) {
            Ok(validator) if mistakes.is_empty() => Ok(Self {
                schema,
                validator: Arc::new(validator),
            }),
            Err(why) if mistakes.is_empty() => Err(vec![("parameters".to_owned(), why)]),
            _ => Err(mistakes),
        }
    }

    /// The schema of a request's body, as far as the template has a say.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// The same, compiled.
    pub fn validator(&self) -> &Validator {
        &self.validator
    }
}

impl PartialEq for Demands {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema
    }
}

impl Eq for Demands {}

impl fmt::Debug for Demands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.schema.fmt(f)
    }
}

/// Patterns take time linear in the text; nothing is fetched from elsewhere.
fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::draft202012::options()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
        .build(schema)
        .map_err(|error| error.to_string())
}

/// The member's own schema, narrowed.
fn parameter(
    name: &str,
    own: &Value,
    base: Value,
    default: Option<&Value>,
) -> Result<Value, Mistaken> {
    let at = |keyword: &str| format!("parameters.{name}.{keyword}");
    let place = format!("parameters.{name}");
    let Some(keywords) = own.as_object() else {
        let why = "must be a table: a JSON Schema such as { enum = [\"a\", \"b\"] }";
        return Err((place, why.to_owned()));
    };
    if keywords.contains_key("default") {
        return Err((
            at("default"),
            format!("say it as `{name}` of the template itself"),
        ));
    }
    if keywords
        .get("type")
        .is_some_and(|kind| *kind != base["type"])
    {
        return Err((at("type"), format!("is {} and nothing else", base["type"])));
    }
    validator(own).map_err(|why| (place.clone(), why))?;
    let possible = validator(&base).map_err(|why| (place.clone(), why))?;
    for keyword in ["enum", "const", "examples"] {
        let values = match keywords.get(keyword) {
            Some(Value::Array(values)) if keyword != "const" => values.clone(),
            value => value.cloned().into_iter().collect(),
        };
        for value in values {
            if let Err(error) = possible.validate(&value) {
                return Err((at(keyword), error.to_string()));
            }
            if let Err(why) = right(name, &value) {
                return Err((at(keyword), why));
            }
        }
    }
    let mut schema = base;
    let mut narrowed = Map::new();
    if let Some(members) = schema.as_object_mut() {
        for (keyword, value) in keywords {
            match members.get(keyword) {
                Some(was) if was != value && !replaces(keyword, was, value) => {
                    narrowed.insert(keyword.clone(), value.clone());
                }
                _ => {
                    members.insert(keyword.clone(), value.clone());
                }
            }
        }
        if !narrowed.is_empty() {
            members.insert("allOf".to_owned(), json!([narrowed]));
        }
    }
    if let Some(default) = default {
        let allowed = validator(&schema).map_err(|why| (place, why))?;
        if let Err(error) = allowed.validate(default) {
            return Err((
                name.to_owned(),
                format!("is the default of a parameter that does not allow it: {error}"),
            ));
        }
        if !is_object(name) {
            schema["default"] = default.clone();
        }
    }
    Ok(schema)
}

/// Whether a keyword of the template's says all that the member's own does.
fn replaces(keyword: &str, was: &Value, own: &Value) -> bool {
    match (keyword, was.as_i64(), own.as_i64()) {
        // Their values were tried.
        ("description" | "enum", _, _) => true,
        ("maximum" | "maxItems", Some(was), Some(own)) => own <= was,
        ("minimum" | "minItems", Some(was), Some(own)) => own >= was,
        _ => false,
    }
}

/// Whether the member may ever have that value.
fn right(name: &str, value: &Value) -> Result<(), String> {
    let alone = [(name.to_owned(), value.clone())].into_iter().collect();
    let settable = Settable::default().with(&alone);
    let settable = settable.map_err(|_| "cannot be that".to_owned())?;
    let element = format!("{name}.");
    let wrong = |cloud: Cloud| {
        let (_, wrongs) = settable.settle(cloud, ComputeMode::Classic);
        let mut own = wrongs.into_iter();
        own.find(|wrong| wrong.member == name || wrong.member.starts_with(&element))
    };
    // Right in one of its clouds; whether that is the template's, its own check says.
    let own = Cloud::of_member(name);
    let clouds = Cloud::ALL
        .into_iter()
        .filter(|it| own.is_none_or(|own| own == *it));
    let wrongs: Vec<_> = clouds.map(wrong).collect();
    if wrongs.iter().any(Option::is_none) {
        return Ok(());
    }
    let whys: Vec<_> = wrongs
        .into_iter()
        .flatten()
        .map(|wrong| wrong.why)
        .collect();
    Err(whys.join("; "))
}

fn schema(wanted: &Wanted<'_>, parameters: Map<String, Value>) -> Value {
    let mut required = Vec::new();
    let mut properties = Map::new();
    if let Some(pattern) = wanted.name_pattern {
        properties.insert("name".to_owned(), json!({"pattern": pattern}));
    }
    if !wanted.required_tags.is_empty() {
        let tags = wanted.required_tags.iter();
        let tags: Map<_, _> = tags
            .map(|(tag, pattern)| (tag.clone(), json!({"pattern": pattern})))
            .collect();
        let names: Vec<&String> = wanted.required_tags.keys().collect();
        properties.insert(
            "tags".to_owned(),
            json!({"required": names, "properties": tags}),
        );
        required.push("tags");
    }
    if !wanted.required.is_empty() {
        required.push("parameters");
    }
    properties.insert(
        "parameters".to_owned(),
        json!({
            "type": "object",
            "properties": parameters,
            "required": wanted.required,
            "additionalProperties": false,
        }),
    );
    json!({"properties": properties, "required": required})
}
