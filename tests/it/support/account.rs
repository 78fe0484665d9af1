//! The account API as somebody else would use it: for objects that are not Brickyard's.

use serde_json::{Value, json};
use simulator::Simulator;

/// Databricks' account API as somebody else's script would use it.
pub struct Account {
    base: String,
    token: String,
}

impl Account {
    /// Signs in as the provisioning principal.
    pub async fn open(simulator: &Simulator) -> Self {
        let world = simulator.world();
        let answer: Value = reqwest::Client::new()
            .post(format!(
                "{}/oidc/accounts/{}/v1/token",
                world.account_host, world.account_id
            ))
            .basic_auth(&world.client_id, Some(&world.client_secret))
            .form(&[("grant_type", "client_credentials"), ("scope", "all-apis")])
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        Self {
            base: format!(
                "{}/api/2.0/accounts/{}",
                world.account_host, world.account_id
            ),
            token: answer["access_token"].as_str().expect("a token").into(),
        }
    }

    /// Makes an object, by the last segment of its path; the answer.
    pub async fn create(&self, what: &str, body: Value) -> Value {
        self.send(reqwest::Method::POST, what, body).await
    }

    /// Changes an object, by the end of its path; the answer.
    pub async fn update(&self, what: &str, body: Value) -> Value {
        self.send(reqwest::Method::PATCH, what, body).await
    }

    /// Removes an object, by the end of its path; the answer.
    pub async fn remove(&self, what: &str) -> Value {
        self.send(reqwest::Method::DELETE, what, json!({})).await
    }

    async fn send(&self, method: reqwest::Method, what: &str, body: Value) -> Value {
        let response = reqwest::Client::new()
            .request(method, format!("{}/{what}", self.base))
            .bearer_auth(&self.token)
            .json(&body)
            .send()
            .await
            .expect("an answer");
        assert!(
            response.status().is_success(),
            "{:?}",
            response.text().await
        );
        response.json().await.expect("JSON")
    }
}
