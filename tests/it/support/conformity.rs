//! Holds every answer that any test gets against the OpenAPI document: the status is documented for the route, the
//! content type and the headers are the documented ones, and the body has the documented fields, all of them and no
//! others. Problems must be complete whatever route they come from.

use super::Answer;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// The document.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::to_value(brickyard::http::openapi::document()).expect("a document")
});

/// One documented route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// In upper case.
    pub method: String,
    /// With its `{placeholders}`.
    pub path: String,
}

impl Route {
    /// What the document says of it.
    pub fn described(&self) -> &'static Value {
        &DOCUMENT["paths"][self.path.as_str()][self.method.to_ascii_lowercase()]
    }

    /// Whether it is documented. Methods are written in upper case.
    fn exists(&self) -> bool {
        self.described().is_object() && !self.method.contains(char::is_lowercase)
    }

    /// Whether it needs no token.
    pub fn is_public(&self) -> bool {
        self.described()["security"]
            .as_array()
            .is_some_and(Vec::is_empty)
    }

    /// Whether it answers without the database.
    pub fn is_from_memory(&self) -> bool {
        let known = self.path == "/whoami" || self.path.starts_with("/templates");
        (self.is_public() && self.path != "/readyz") || known
    }

    /// Whether its path names one thing.
    pub fn takes_an_id(&self) -> bool {
        self.path.contains('{')
    }

    /// Whether its path names a thing that belongs to a team.
    pub fn names_a_teams(&self) -> bool {
        self.takes_an_id() && !self.is_public() && !self.path.contains("{template}")
    }

    /// Its documented statuses.
    pub fn statuses(&self) -> Vec<u16> {
        let responses = self.described()["responses"]
            .as_object()
            .expect("responses");
        responses
            .keys()
            .filter_map(|status| status.parse().ok())
            .collect()
    }
}

/// Every documented route.
pub fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("methods").keys() {
            let method = method.to_ascii_uppercase();
            routes.push(Route {
                method,
                path: path.clone(),
            });
        }
    }
    assert!(routes.len() > 5, "{routes:?}");
    routes
}

/// The documented path that an address has, if any.
fn path_of(target: &str) -> Option<&'static String> {
    let path = target.split('?').next().unwrap_or_default();
    let fits = |template: &str| {
        let (mut ours, mut theirs) = (template.split('/'), path.split('/'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if a == b || (a.starts_with('{') && !b.is_empty()) => {}
                _ => return false,
            }
        }
    };
    DOCUMENT["paths"]
        .as_object()
        .expect("paths")
        .keys()
        .find(|template| fits(template))
}

/// Statuses that need no route: nobody is in, the address is nobody's, or the request is refused before it is routed.
const WITHOUT_ROUTE: &[u16] = &[401, 404, 405, 406, 413, 414, 431, 503];

/// Headers that HTTP itself or every answer has.
const GENERAL: &[&str] = &[
    "allow",
    "cache-control",
    "connection",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "referrer-policy",
    "transfer-encoding",
    "x-content-type-options",
    "x-request-id",
];

/// Fails if this answer is not one that the document promises.
pub fn check(method: &str, target: &str, answer: &Answer) {
    let place = format!("{method} {target}: {} {}", answer.status, answer.text);
    let header = |name: &str| answer.headers.get(name).map(String::as_str);
    assert!(
        header("x-request-id").is_some_and(|id| !id.is_empty()),
        "no X-Request-Id: {place}"
    );
    assert_eq!(header("x-content-type-options"), Some("nosniff"), "{place}");
    assert!(
        matches!(
            header("cache-control"),
            Some("no-store" | "private, no-cache" | "no-cache")
        ),
        "{place}"
    );
    let without_body = method == "HEAD" || matches!(answer.status, 204 | 304);
    assert!(!without_body || answer.text.is_empty(), "a body: {place}");
    if answer.status >= 400 && !without_body {
        check_problem(target, answer, &place);
    }
    let asked = if method == "HEAD" { "GET" } else { method };
    let path = path_of(target);
    let route = path.map(|path| Route {
        method: asked.to_owned(),
        path: path.clone(),
    });
    let Some(route) = route.filter(Route::exists) else {
        let page = target.starts_with("/docs");
        assert!(
            page || WITHOUT_ROUTE.contains(&answer.status),
            "not documented: {place}"
        );
        assert!(
            path.is_none() || answer.status != 404,
            "the path is documented: {place}"
        );
        return;
    };
    let described = &route.described()["responses"][answer.status.to_string()];
    assert!(
        described.is_object(),
        "the status is not documented: {place}"
    );
    for name in answer
        .headers
        .keys()
        .filter(|name| !GENERAL.contains(&name.as_str()))
    {
        let documented = described["headers"].as_object().is_some_and(|headers| {
            headers
                .keys()
                .any(|documented| documented.eq_ignore_ascii_case(name))
        });
        assert!(documented, "the header {name} is not documented: {place}");
    }
    if without_body {
        return;
    }
    let content = described["content"]
        .as_object()
        .unwrap_or_else(|| panic!("a body: {place}"));
    let sent = header("content-type").unwrap_or_default();
    let sent = sent.split(';').next().unwrap_or_default();
    let described = content
        .get(sent)
        .unwrap_or_else(|| panic!("{sent} is not documented: {place}"));
    // What is not JSON is a text.
    let body = match sent.ends_with("json") {
        true => &answer.body,
        false => &Value::String(answer.text.clone()),
    };
    let errors: Vec<String> = validator(&route, answer.status, sent, &described["schema"])
        .iter_errors(body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?} in {place}");
}

fn check_problem(target: &str, answer: &Answer, place: &str) {
    let (problem, header) = (&answer.body, |name: &str| {
        answer.headers.get(name).map(String::as_str)
    });
    assert_eq!(
        header("content-type"),
        Some("application/problem+json"),
        "{place}"
    );
    let code = problem["code"]
        .as_str()
        .unwrap_or_else(|| panic!("no code: {place}"));
    // After the host, if the service was told where it is found.
    assert!(
        problem["type"]
            .as_str()
            .is_some_and(|kind| kind.ends_with(&format!("/problems/{code}"))),
        "{place}: {problem}"
    );
    assert_eq!(problem["status"], answer.status, "{place}");
    assert_eq!(
        problem["request_id"].as_str(),
        header("x-request-id"),
        "{place}"
    );
    let path: String = target
        .split('?')
        .next()
        .unwrap_or_default()
        .chars()
        .take(256)
        .collect();
    assert_eq!(problem["instance"], path, "{place}");
    for sentence in ["title", "detail", "hint", "fix_by"] {
        assert!(
            problem[sentence]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{sentence}: {place}"
        );
    }
    assert!(
        problem["retryable"].is_boolean() && problem["errors"].is_array(),
        "{place}"
    );
    assert!(problem.get("upstream").is_some(), "{place}");
    for inside in [
        "sqlx",
        "select ",
        "insert into",
        "/src/",
        "panicked",
        "serde",
        "postgres",
    ] {
        // As a word: an id may have the same letters in the middle.
        let text = answer.text.to_lowercase();
        let told = text.match_indices(inside).any(|(at, _)| {
            let within = text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            !within || inside.starts_with('/')
        });
        assert!(!told, "{inside}: {place}");
    }
    match answer.status {
        401 => assert_eq!(
            header("www-authenticate"),
            Some("Bearer error=\"invalid_token\""),
            "{place}"
        ),
        405 => assert!(
            header("allow").is_some_and(|allow| !allow.is_empty()),
            "{place}"
        ),
        503 => assert!(
            header("retry-after")
                .and_then(|s| s.parse::<u64>().ok())
                .is_some_and(|s| s > 0),
            "{place}"
        ),
        _ => {}
    }
}

type Validators = Mutex<HashMap<(Route, u16, String), Arc<Validator>>>;

fn validator(route: &Route, status: u16, media_type: &str, schema: &Value) -> Arc<Validator> {
    static VALIDATORS: LazyLock<Validators> = LazyLock::new(Mutex::default);
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let compile = || {
        let mut components = DOCUMENT["components"].clone();
        let schemas = components["schemas"].as_object_mut().expect("schemas");
        tighten(schemas);
        let root = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [schema], "components": components});
        Arc::new(jsonschema::validator_for(&root).expect("the schema compiles"))
    };
    Arc::clone(
        validators
            .entry((route.clone(), status, media_type.to_owned()))
            .or_insert_with(compile),
    )
}

/// Schemas in which an absent field is left out; elsewhere it is null.
const SPARSE: &[&str] = &["Problem", "FieldError"];

/// A schema allows fields it does not know and lacks fields it does not require. Our answers do neither.
fn tighten(schemas: &mut Map<String, Value>) {
    // What another schema is composed of cannot know the other's fields.
    let composed: Vec<String> = schemas
        .values()
        .flat_map(|schema| schema["allOf"].as_array().into_iter().flatten())
        .filter_map(|part| Some(part["$ref"].as_str()?.rsplit('/').next()?.to_owned()))
        .collect();
    for (name, schema) in schemas.iter_mut() {
        require_all(name, schema);
        let parts = schema
            .get_mut("allOf")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten();
        parts.for_each(|part| require_all(name, part));
        let object = schema["properties"].is_object() || schema["allOf"].is_array();
        if object && !composed.contains(name) {
            schema["unevaluatedProperties"] = false.into();
        }
    }
}

fn require_all(name: &str, schema: &mut Value) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    if !SPARSE.contains(&name) {
        let all: Vec<String> = properties.keys().cloned().collect();
        schema["required"] = all.into();
    }
}

/// Rows of every table of the product, to show that nothing was written.
pub async fn counts(app: &super::TestApp) -> BTreeMap<String, i64> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select tablename::text from pg_tables where schemaname = 'public'
            and tablename not in ('_sqlx_migrations', 'test_clock')",
    )
    .fetch_all(&app.db)
    .await
    .expect("the database answers");
    assert!(tables.len() >= 8, "{tables:?}");
    let mut counts = BTreeMap::new();
    for table in tables {
        let statement = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let rows = sqlx::query_scalar(statement).fetch_one(&app.db).await;
        counts.insert(table, rows.expect("the database answers"));
    }
    counts
}
