//! What a test says to the API, and as whom; every answer is held against the document.

use super::{TestApp, conformity};
use crate::checker::history::{Exchange, identity};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::PoisonError;

/// One answer of the API.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: HashMap<String, String>,
    /// The body as JSON; null if there is none.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl TestApp {
    /// A token with a role: `viewer`, `requester`, `operator`, `auditor`, `admin`, or `other-requester`.
    pub fn token(&self, role: &str) -> String {
        self.token_of(&format!("{role}@example.com"), &format!("{role}s"))
    }

    /// A token of a person in a group.
    pub fn token_of(&self, subject: &str, group: &str) -> String {
        // The same for a while: signing takes longer than asking.
        let now = self.app.clock.now().timestamp() / 10 * 10;
        self.simulator
            .mint_jwt(json!({"sub": subject, "groups": [group], "iat": now, "exp": now + 3600}))
    }

    /// One exchange with the API.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        sent: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let answer = self.send_to(&self.url, method, path, sent, body).await;
        answer.expect("the API answers")
    }

    /// One exchange with the API at another address. An error if no whole answer came.
    pub async fn send_to(
        &self,
        url: &str,
        method: &str,
        path: &str,
        sent: &[(&str, &str)],
        body: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let verb = method.parse::<reqwest::Method>().expect("a method");
        let mut request = self.client.request(verb, format!("{url}{path}"));
        for (name, value) in sent {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let text = response.text().await?;
        let answer = Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        };
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if !others.contains(url) {
            conformity::check(method, path, &answer);
        }
        drop(others);
        self.remember(method, path, sent, body, &answer);
        Ok(answer)
    }

    /// Says that a process of another version answers at this address.
    pub fn of_another_version(&self, url: &str) {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.insert(url.to_owned());
    }

    /// What a client remembers of an exchange.
    fn remember(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
        answer: &Answer,
    ) {
        let header = |name: &str| {
            let found = headers.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
            found.map(|(_, value)| *value)
        };
        let (subject, groups) = identity(header("authorization").unwrap_or_default());
        let exchange = Exchange {
            subject,
            groups,
            method: method.to_owned(),
            path: path.to_owned(),
            key: header("idempotency-key").map(str::to_owned),
            body: body.unwrap_or_default().to_owned(),
            status: answer.status,
            text: answer.text.clone(),
        };
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.exchanges.push(exchange);
    }

    /// GET as an admin.
    pub async fn get(&self, path: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token("admin"));
        self.send("GET", path, &[("authorization", &bearer)], None)
            .await
    }

    /// POST as a requester.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, body, &[]).await
    }

    /// POST as a requester, with more headers.
    pub async fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        self.write("POST", path, body, headers).await
    }

    /// PUT as a requester.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.write("PUT", path, body, &[]).await
    }

    /// PATCH as a requester.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.write("PATCH", path, body, &[]).await
    }

    /// A write as a requester, with more headers.
    pub async fn write(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let bearer = self.bearer("requester");
        let mut all = vec![
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        all.extend_from_slice(headers);
        self.send(method, path, &all, Some(&body.to_string())).await
    }

    /// DELETE as an operator.
    pub async fn delete(&self, path: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token("operator"));
        self.send("DELETE", path, &[("authorization", &bearer)], None)
            .await
    }
}
