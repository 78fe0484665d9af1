//! People's logins: the issuer's authorization code flow with PKCE, for public clients and nobody else.
//!
//! A client is registered with its one redirect URI and with the people who may log in. The page names them, one
//! button each; `login_hint` presses it. Codes live a minute, work once, and only for who asked for them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::answer::{Answer, Outcome};
use crate::clock::epoch_ms;
use crate::oidc::mint;
use crate::request::{Request, encode};
use crate::state::State;

const CODE_LIFETIME_MS: i64 = 60_000;
const TOKEN_LIFETIME_SECONDS: i64 = 3600;
const SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// A public client that people log in with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginClient {
    /// Its id.
    pub client_id: String,
    /// Where codes are sent, exactly this. Pages of its origin may call the token endpoint.
    pub redirect_uri: String,
    /// Who can log in: the claims of each person's tokens, with a `sub`.
    pub people: Vec<Value>,
}

impl LoginClient {
    /// Scheme, host and port of its pages.
    fn origin(&self) -> String {
        self.redirect_uri
            .splitn(4, '/')
            .take(3)
            .collect::<Vec<_>>()
            .join("/")
    }

    fn person(&self, subject: &str) -> Option<&Value> {
        self.people.iter().find(|person| person["sub"] == subject)
    }
}

/// The registered clients and the codes that were given out.
#[derive(Default)]
pub(crate) struct Logins {
    clients: Vec<LoginClient>,
    codes: Vec<Code>,
}

struct Code {
    value: String,
    client_id: String,
    redirect_uri: String,
    challenge: String,
    scope: String,
    nonce: Option<String>,
    person: Value,
    given_at: i64,
    used: bool,
}

impl Logins {
    /// Registers a client, or replaces it.
    pub(crate) fn register(&mut self, client: LoginClient) {
        self.clients.retain(|it| it.client_id != client.client_id);
        self.clients.push(client);
    }

    fn client(&self, id: &str) -> Option<&LoginClient> {
        self.clients.iter().find(|client| client.client_id == id)
    }
}

/// A value that may be there once.
fn one<'v>(pairs: &'v [(String, String)], name: &str) -> Result<&'v str, String> {
    let mut values = pairs.iter().filter(|(key, _)| key == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) if !value.is_empty() => Ok(value),
        (None, _) => Err(format!("{name} is missing")),
        _ => Err(format!("{name} is empty or there twice")),
    }
}

/// GET /issuer/authorize: the page with the people, or straight back with a code for one of them.
pub(crate) fn authorize(state: &mut State, request: &Request) -> Outcome {
    // Who the client is has to be clear before anything is sent anywhere (RFC 6749, 4.1.2.1).
    let page = |why: String| Answer::html(400, &html("Not logged in", &escape(&why))).by_mistake();
    let query = &request.query;
    let id = one(query, "client_id").map_err(page)?;
    let client = state
        .logins
        .client(id)
        .ok_or_else(|| page("no such client".to_owned()))?
        .clone();
    if one(query, "redirect_uri").map_err(page)? != client.redirect_uri {
        return Err(page("redirect_uri is not the registered one".to_owned()));
    }
    let back = |mut answer: Vec<(&str, String)>| {
        answer.extend(one(query, "state").ok().map(|it| ("state", it.to_owned())));
        let pairs: Vec<String> = answer
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        Answer::redirect(format!("{}?{}", client.redirect_uri, pairs.join("&")))
    };
    let refused = |code: &str, why: String| {
        let error = vec![("error", code.to_owned()), ("error_description", why)];
        back(error).by_mistake()
    };
    let invalid = |why: String| refused("invalid_request", why);
    if one(query, "response_type").map_err(invalid)? != "code" {
        let why = "response_type is not code".to_owned();
        return Err(refused("unsupported_response_type", why));
    }
    let scope = one(query, "scope").map_err(invalid)?;
    let known = |scope: &str| SCOPES.contains(&scope);
    if !scope.split(' ').all(known) || !scope.split(' ').any(|it| it == "openid") {
        let why = format!("not openid and others of {SCOPES:?}");
        return Err(refused("invalid_scope", why));
    }
    if one(query, "code_challenge_method").map_err(invalid)? != "S256" {
        return Err(invalid("code_challenge_method is not S256".to_owned()));
    }
    let challenge = one(query, "code_challenge").map_err(invalid)?;
    if URL_SAFE_NO_PAD.decode(challenge).map(|it| it.len()) != Ok(32) {
        return Err(invalid("code_challenge is no SHA-256".to_owned()));
    }
    one(query, "state").map_err(invalid)?;
    let Ok(hint) = one(query, "login_hint") else {
        return Ok(Answer::html(200, &html("Log in", &buttons(&client, query))));
    };
    let Some(person) = client.person(hint) else {
        return Err(refused("access_denied", format!("{hint} is not known")));
    };
    let code = Code {
        value: state.chance.hex(40),
        client_id: client.client_id.clone(),
        redirect_uri: client.redirect_uri.clone(),
        challenge: challenge.to_owned(),
        scope: scope.to_owned(),
        nonce: one(query, "nonce").ok().map(str::to_owned),
        person: person.clone(),
        given_at: epoch_ms(),
        used: false,
    };
    let answer = back(vec![("code", code.value.clone())]);
    state.logins.codes.push(code);
    Ok(answer)
}

fn html(title: &str, body: &str) -> String {
    // The empty icon keeps browsers from asking for one.
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <link rel=\"icon\" href=\"data:,\"><style>body{{font-family:sans-serif;margin:3em}}\
         button{{display:block;margin:.5em 0;padding:.5em 1em;font-size:1em}}</style></head>\
         <body><h1>{title}</h1>{body}</body></html>"
    )
}

/// The same request again, with a person.
fn buttons(client: &LoginClient, query: &[(String, String)]) -> String {
    let mut form = "<p>The simulated issuer asks for no password.</p><form>".to_owned();
    for (name, value) in query {
        let (name, value) = (escape(name), escape(value));
        form += &format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
    }
    for person in &client.people {
        let subject = escape(person["sub"].as_str().unwrap_or_default());
        form += &format!("<button name=\"login_hint\" value=\"{subject}\">{subject}</button>");
    }
    form + "</form>"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// POST /issuer/token with a code, from a browser or not.
pub(crate) fn token(state: &mut State, request: &Request) -> Answer {
    let answer = exchange(state, request).unwrap_or_else(|refusal| refusal.by_mistake());
    let answer = answer.with("cache-control", "no-store");
    match request.header("origin") {
        Some(origin) if is_known(state, origin) => allow(answer, origin),
        _ => answer,
    }
}

/// OPTIONS /issuer/token: a browser asks whether a page may.
pub(crate) fn preflight(state: &State, request: &Request) -> Outcome {
    let asked = |name| request.header(name).unwrap_or_default();
    let origin = asked("origin");
    let headers = asked("access-control-request-headers");
    let harmless = headers.split(',').map(str::trim).all(|name| {
        ["", "accept", "content-type", "x-requested-with"]
            .contains(&name.to_ascii_lowercase().as_str())
    });
    if !is_known(state, origin) || !harmless || asked("access-control-request-method") != "POST" {
        return Err(Answer::empty(403).by_mistake());
    }
    Ok(allow(Answer::empty(204), origin)
        .with("access-control-allow-methods", "POST")
        .with("access-control-allow-headers", headers))
}

fn is_known(state: &State, origin: &str) -> bool {
    let mut clients = state.logins.clients.iter();
    clients.any(|client| client.origin() == origin)
}

fn allow(answer: Answer, origin: &str) -> Answer {
    answer
        .with("access-control-allow-origin", origin)
        .with("vary", "origin")
}

fn exchange(state: &mut State, request: &Request) -> Outcome {
    let refused = |status: u16, code: &str, why: &str| {
        Answer::json(status, &json!({"error": code, "error_description": why}))
    };
    let invalid = |why: String| refused(400, "invalid_request", &why);
    let form = request
        .form()
        .ok_or_else(|| invalid("the body is no form".to_owned()))?;
    let known = [
        "grant_type",
        "code",
        "client_id",
        "redirect_uri",
        "code_verifier",
    ];
    if request.header("authorization").is_some() || form.iter().any(|(k, _)| k == "client_secret") {
        return Err(refused(401, "invalid_client", "a public client"));
    }
    if let Some((name, _)) = form.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        return Err(invalid(format!("{name} is not known")));
    }
    let [value, client_id, redirect_uri, verifier] =
        ["code", "client_id", "redirect_uri", "code_verifier"].map(|name| one(&form, name));
    let (value, client_id) = (value.map_err(invalid)?, client_id.map_err(invalid)?);
    let (redirect_uri, verifier) = (redirect_uri.map_err(invalid)?, verifier.map_err(invalid)?);
    if state.logins.client(client_id).is_none() {
        return Err(refused(401, "invalid_client", "no such client"));
    }
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(fit) {
        let why = "code_verifier is not 43 to 128 unreserved characters";
        return Err(invalid(why.to_owned()));
    }
    let grant = |why| refused(400, "invalid_grant", why);
    let mut codes = state.logins.codes.iter_mut();
    let code = codes
        .find(|code| code.value == value)
        .ok_or_else(|| grant("no such code"))?;
    // Used up by the attempt, whatever comes of it.
    if std::mem::replace(&mut code.used, true) {
        return Err(grant("the code was used"));
    }
    if epoch_ms() - code.given_at > CODE_LIFETIME_MS {
        return Err(grant("the code is too old"));
    }
    if code.client_id != client_id || code.redirect_uri != redirect_uri {
        return Err(grant("the code was given to somebody else"));
    }
    if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != code.challenge {
        return Err(grant("code_verifier is not the challenge's"));
    }
    let (scope, nonce) = (code.scope.clone(), code.nonce.clone());
    let mut claims = code.person.clone();
    let id_token = mint(
        state,
        json!({"sub": claims["sub"], "aud": client_id, "nonce": nonce}),
    );
    claims["client_id"] = client_id.into();
    claims["scope"] = scope.clone().into();
    Ok(Answer::ok(&json!({
        "access_token": mint(state, claims),
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME_SECONDS,
        "scope": scope,
        "id_token": id_token,
    })))
}
