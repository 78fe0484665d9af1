//! A client with a token, and the happy path in a few verbs.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use simulator::{Settings, Simulator};

pub(crate) struct Lab {
    pub(crate) simulator: Simulator,
    pub(crate) http: Client,
    pub(crate) token: String,
}

/// Status and body (text is a JSON string).
pub(crate) type Reply = (u16, Value);

pub(crate) async fn reply(response: Response) -> Reply {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

impl Lab {
    pub(crate) async fn new() -> Lab {
        let simulator = Simulator::start(Settings::default()).await.unwrap();
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let mut lab = Lab {
            simulator,
            http,
            token: String::new(),
        };
        let url = lab.account_token_url();
        lab.token = lab.oauth(&url).await.1["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        lab
    }

    pub(crate) fn account_token_url(&self) -> String {
        let world = self.simulator.world();
        format!(
            "{}/oidc/accounts/{}/v1/token",
            world.account_host, world.account_id
        )
    }

    pub(crate) async fn oauth(&self, url: &str) -> Reply {
        let world = self.simulator.world();
        let request = self
            .http
            .post(url)
            .basic_auth(&world.client_id, Some(&world.client_secret));
        let form = [("grant_type", "client_credentials"), ("scope", "all-apis")];
        reply(request.form(&form).send().await.unwrap()).await
    }

    pub(crate) fn account_url(&self, path: &str) -> String {
        let world = self.simulator.world();
        format!(
            "{}/api/2.0/accounts/{}/{path}",
            world.account_host, world.account_id
        )
    }

    /// A request to the account API.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, self.account_url(path))
            .bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        reply(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        reply(self.request(Method::DELETE, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        reply(
            self.request(Method::POST, path)
                .json(&body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn credentials(&self, name: &str) -> String {
        let (status, body) = self.post("credentials", credentials(name)).await;
        assert_eq!(status, 201, "{body}");
        body["credentials_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn storage(&self, name: &str) -> String {
        let (status, body) = self.post("storage-configurations", storage(name)).await;
        assert_eq!(status, 201, "{body}");
        body["storage_configuration_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) async fn network(&self, name: &str) -> String {
        let (status, body) = self.post("networks", network(name)).await;
        assert_eq!(status, 201, "{body}");
        body["network_id"].as_str().unwrap().to_owned()
    }

    /// The body of a workspace with parts of its own.
    pub(crate) async fn workspace_body(&self, name: &str) -> Value {
        json!({
            "workspace_name": name,
            "aws_region": "eu-central-1",
            "credentials_id": self.credentials(&format!("{name}-credentials")).await,
            "storage_configuration_id": self.storage(&format!("{name}-storage")).await,
            "custom_tags": {"team": "a"},
        })
    }

    /// Creates a workspace: id and deployment name.
    pub(crate) async fn workspace(&self, name: &str) -> (i64, String) {
        let body = self.workspace_body(name).await;
        let (status, body) = self.post("workspaces", body).await;
        assert_eq!(status, 201, "{body}");
        let deployment = body["deployment_name"].as_str().unwrap().to_owned();
        (body["workspace_id"].as_i64().unwrap(), deployment)
    }

    /// Creates a workspace, lets it run, and enters it.
    pub(crate) async fn running(&self, name: &str) -> Site<'_> {
        let (id, deployment) = self.workspace(name).await;
        self.simulator.advance(Duration::from_secs(480));
        let mut site = Site {
            lab: self,
            id,
            deployment,
            token: String::new(),
        };
        site.token = site.oauth().await.1["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        site
    }

    pub(crate) async fn principal(&self, name: &str) -> (i64, String) {
        let (status, body) = self
            .post("scim/v2/ServicePrincipals", json!({"displayName": name}))
            .await;
        assert_eq!(status, 201, "{body}");
        let id = body["id"].as_str().unwrap().parse().unwrap();
        (id, body["applicationId"].as_str().unwrap().to_owned())
    }
}

/// A running workspace, spoken to by the Host header.
pub(crate) struct Site<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) id: i64,
    pub(crate) deployment: String,
    pub(crate) token: String,
}

impl Site<'_> {
    pub(crate) fn host(&self) -> String {
        format!("{}.any.zone.test", self.deployment)
    }

    pub(crate) async fn oauth(&self) -> Reply {
        let world = self.lab.simulator.world();
        let form = [("grant_type", "client_credentials"), ("scope", "all-apis")];
        let request = self
            .lab
            .http
            .post(format!("{}/oidc/v1/token", world.account_host));
        let request = request.header("host", self.host());
        let request = request
            .basic_auth(&world.client_id, Some(&world.client_secret))
            .form(&form);
        reply(request.send().await.unwrap()).await
    }

    pub(crate) async fn send(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Reply {
        let url = format!("{}/api/2.0/{path}", self.lab.simulator.world().account_host);
        let mut request = self
            .lab
            .http
            .request(method, url)
            .header("host", self.host());
        request = request.bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        reply(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(&self.token, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(&self.token, Method::POST, path, Some(body)).await
    }

    pub(crate) async fn me(&self, token: &str) -> Reply {
        self.send(token, Method::GET, "preview/scim/v2/Me", None)
            .await
    }

    pub(crate) async fn assign(&self, principal: i64, level: &str) -> Reply {
        let path = format!(
            "workspaces/{}/permissionassignments/principals/{principal}",
            self.id
        );
        let request = self
            .lab
            .request(Method::PUT, &path)
            .json(&json!({"permissions": [level]}));
        reply(request.send().await.unwrap()).await
    }
}

pub(crate) fn credentials(name: &str) -> Value {
    json!({
        "credentials_name": name,
        "aws_credentials": {"sts_role": {"role_arn": "arn:aws:iam::111122223333:role/x"}},
    })
}

pub(crate) fn storage(name: &str) -> Value {
    json!({"storage_configuration_name": name, "root_bucket_info": {"bucket_name": "team-a-root"}})
}

pub(crate) fn network(name: &str) -> Value {
    json!({
        "network_name": name,
        "vpc_id": "vpc-1",
        "subnet_ids": [format!("subnet-{name}-1"), format!("subnet-{name}-2")],
        "security_group_ids": [format!("sg-{name}")],
    })
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
