//! `/docs`: Swagger UI from the binary. Nothing is loaded from elsewhere, and no script stands inline, so that the page
//! can live under a strict policy. In `brickyard dev` its initializer carries a token, so that "Execute" just works.

use super::Http;
use super::problem::Problem;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use utoipa_swagger_ui::Config;

/// Leads to [`INDEX`], so that relative addresses work.
pub const REDIRECT: &str = "/docs";
/// The page.
pub const INDEX: &str = "/docs/";
/// What the page loads.
pub const ASSETS: &str = "/docs/{*asset}";

/// The page's own policy: scripts from here only. Swagger UI needs inline styles and data images.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; form-action 'self'";

/// Whether a route belongs to the page. The page is not part of the API and not in the document.
pub fn is_page(route: &str) -> bool {
    [REDIRECT, INDEX, ASSETS].contains(&route)
}

/// The page's routes.
pub fn routes(token: Option<&SecretString>) -> Router<Http> {
    let initializer: Arc<str> = initializer(token).into();
    Router::new()
        .route(REDIRECT, get(async || Redirect::to(INDEX)))
        .route(INDEX, get(async || asset("index.html")))
        .route(
            ASSETS,
            get(async move |Path(name): Path<String>| {
                if name == "swagger-initializer.js" {
                    page("text/javascript", initializer.to_string().into_bytes())
                } else {
                    asset(&name)
                }
            }),
        )
}

fn asset(name: &str) -> Response {
    match utoipa_swagger_ui::serve(name, Arc::new(Config::from("/openapi.json"))) {
        Ok(Some(file)) => page(&file.content_type, file.bytes.into_owned()),
        _ => Problem::not_found("file").into_response(),
    }
}

fn page(media_type: &str, bytes: Vec<u8>) -> Response {
    let media_type = HeaderValue::from_str(media_type)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, media_type),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, bytes).into_response()
}

fn initializer(token: Option<&SecretString>) -> String {
    let authorize = token.map_or_else(String::new, |token| {
        let literal = serde_json::Value::from(token.expose_secret()).to_string();
        format!("\n    onComplete: function () {{ window.ui.preauthorizeApiKey(\"bearer\", {literal}); }},")
    });
    format!(
        r##"window.onload = function () {{
  window.ui = SwaggerUIBundle({{
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    persistAuthorization: true,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    plugins: [SwaggerUIBundle.plugins.DownloadUrl],
    layout: "StandaloneLayout",{authorize}
  }});
}};
"##
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_filled_in_only_if_there_is_one() {
        assert!(!initializer(None).contains("preauthorize"));
        let token = SecretString::from("a.b\"c");
        assert!(initializer(Some(&token)).contains(r#"preauthorizeApiKey("bearer", "a.b\"c")"#));
    }

    #[test]
    fn the_page_has_no_inline_script() {
        let Ok(Some(index)) =
            utoipa_swagger_ui::serve("index.html", Arc::new(Config::from("/openapi.json")))
        else {
            panic!("no page");
        };
        let text = String::from_utf8(index.bytes.into_owned()).unwrap();
        assert!(text.contains("./swagger-initializer.js"));
        for script in text.split("<script").skip(1) {
            assert!(script.trim_start().starts_with("src="), "{script}");
        }
    }
}
