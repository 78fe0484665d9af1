//! Where people log in for the documentation page: the endpoints of one issuer's authorization code flow.
//!
//! The issuer is asked in the background until it has answered once. Nobody waits for it: as long as it has not, the
//! page offers no login and takes a pasted token.

use super::cache::{FETCH_TIMEOUT, Fetch};
use super::discovery::{address, discover};
use super::{IssuerSettings, Settings};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Between two questions to an issuer that does not answer: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// The public client that people log in with: it has no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginClient {
    /// `client_id`.
    pub id: String,
    /// Scopes that are asked for.
    pub scopes: Vec<String>,
}

/// The endpoints of the authorization code flow. Both addresses are plain ASCII without a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Where people are sent.
    pub authorization: String,
    /// Where the code becomes a token.
    pub token: String,
}

/// How people log in. Share it in an `Arc`.
#[derive(Debug)]
pub struct Login {
    issuer: String,
    /// With what.
    pub client: LoginClient,
    endpoints: OnceLock<Endpoints>,
}

impl Login {
    /// By the issuer that has a client for it, if there is one.
    pub fn of(settings: &Settings) -> Option<Self> {
        settings.iter().find_map(|issuer: &IssuerSettings| {
            Some(Self {
                client: issuer.docs_client.clone()?,
                issuer: issuer.issuer.clone(),
                endpoints: OnceLock::new(),
            })
        })
    }

    /// The endpoints, once they are known.
    pub fn endpoints(&self) -> Option<&Endpoints> {
        self.endpoints.get()
    }

    /// Asks the issuer for its endpoints until it answers.
    pub async fn find(&self, fetch: Arc<dyn Fetch>) {
        self.find_after(fetch, FIRST_PAUSE).await;
    }

    async fn find_after(&self, fetch: Arc<dyn Fetch>, mut pause: Duration) {
        loop {
            match self.ask(&*fetch).await {
                Ok(endpoints) => {
                    tracing::debug!(issuer = self.issuer, "people can log in under /docs");
                    let _ = self.endpoints.set(endpoints);
                    return;
                }
                Err(reason) => tracing::warn!(
                    issuer = self.issuer,
                    reason,
                    "the issuer does not say where people log in; /docs takes pasted tokens only"
                ),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    async fn ask(&self, fetch: &dyn Fetch) -> Result<Endpoints, String> {
        let document = discover(fetch, &self.issuer, FETCH_TIMEOUT).await?;
        let endpoint = |member| {
            let url = address(&document, member)?;
            match self.is_fit(&url) {
                true => Ok(url),
                false => Err(format!("{member} is not an address people can be sent to")),
            }
        };
        Ok(Endpoints {
            authorization: endpoint("authorization_endpoint")?,
            token: endpoint("token_endpoint")?,
        })
    }

    /// The addresses go into a page and its policy. They are as secure as the issuer's own.
    fn is_fit(&self, url: &str) -> bool {
        let host = match url.strip_prefix("https://") {
            None if self.issuer.starts_with("http://") => url.strip_prefix("http://"),
            rest => rest,
        };
        let authority = host.and_then(|rest| rest.split(['/', '?']).next());
        authority.is_some_and(|name| !name.is_empty() && !name.contains('@'))
            && url
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"#\"'<>\\`".contains(&byte))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fetched;
    use super::super::test_tokens::ISSUER;
    use super::*;
    use serde_json::{Value, json};
    use std::sync::Mutex;

    /// An issuer that gives these answers, the last one first.
    struct Issuer(Mutex<Vec<Result<Value, String>>>);

    #[async_trait::async_trait]
    impl Fetch for Issuer {
        async fn get(&self, url: &str) -> Result<Fetched, String> {
            assert_eq!(
                url,
                "https://login.example.com/.well-known/openid-configuration"
            );
            let answer = self.0.lock().unwrap().pop().ok_or("nothing left")?;
            Ok(Fetched {
                status: 200,
                body: answer?.to_string().into_bytes(),
                max_age: None,
            })
        }
    }

    fn login() -> Login {
        Login {
            issuer: ISSUER.to_owned(),
            client: LoginClient {
                id: "docs".to_owned(),
                scopes: Vec::new(),
            },
            endpoints: OnceLock::new(),
        }
    }

    fn document(token: &str) -> Value {
        json!({
            "issuer": ISSUER, "token_endpoint": token,
            "authorization_endpoint": "https://login.example.com/authorize?realm=x",
        })
    }

    #[tokio::test]
    async fn it_asks_until_it_knows() {
        let login = login();
        let answers = vec![
            Ok(document("https://api.example.com/token")),
            Ok(json!({"issuer": "https://other.example.com/"})),
            Ok(json!({"issuer": ISSUER})),
            Err("no route".to_owned()),
        ];
        let issuer = Arc::new(Issuer(Mutex::new(answers)));
        assert_eq!(login.endpoints(), None);
        login
            .find_after(issuer.clone(), Duration::from_millis(1))
            .await;
        let known = login.endpoints().unwrap();
        assert_eq!(known.token, "https://api.example.com/token");
        assert_eq!(
            known.authorization,
            "https://login.example.com/authorize?realm=x"
        );
        assert!(issuer.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_address_that_could_break_the_page_is_no_endpoint() {
        for bad in [
            "http://login.example.com/token",
            "javascript:alert(1)",
            "//login.example.com/token",
            "https://",
            "https://user@login.example.com/token",
            "https://login.example.com/token; script-src *\n",
            "https://login.example.com/token script-src",
            "https://login.example.com/'unsafe-inline'",
            "https://login.example.com/token#x",
            "https://login.example.com/\"",
        ] {
            let issuer = Issuer(Mutex::new(vec![Ok(document(bad))]));
            assert!(login().ask(&issuer).await.is_err(), "{bad}");
        }
    }
}
