//! Azure, as a client sees it that trusts its certificate and knows its names.

mod clients;
mod entra;
mod faults;
mod limits;
mod networks;
mod strictness;
mod vault;
mod workspaces;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Certificate, Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use simulator::{AzureWorld, Settings, Simulator};

use crate::support::{Reply, reply};

pub(crate) const DATABRICKS: &str = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";
pub(crate) const VERSION: &str = "2026-01-01";

pub(crate) struct Azure {
    pub(crate) simulator: Simulator,
    pub(crate) http: Client,
    /// A token for Resource Manager.
    pub(crate) token: String,
}

impl Azure {
    pub(crate) async fn new() -> Azure {
        let simulator = Simulator::start(Settings::default()).await.unwrap();
        let http = client(&simulator.world().azure);
        let mut azure = Azure {
            simulator,
            http,
            token: String::new(),
        };
        azure.token = azure.token_for("https://management.azure.com").await;
        azure
    }

    pub(crate) fn world(&self) -> &AzureWorld {
        &self.simulator.world().azure
    }

    pub(crate) fn token_url(&self) -> String {
        let world = self.world();
        format!(
            "{}/{}/oauth2/v2.0/token",
            world.authority_host, world.tenant_id
        )
    }

    /// A login with these fields instead of the right ones.
    pub(crate) async fn login(&self, fields: &[(&str, &str)]) -> Reply {
        let world = self.world();
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &world.client_id),
            ("client_secret", &world.client_secret),
            ("scope", "https://management.azure.com/.default"),
        ];
        form.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
        form.extend(fields.iter().filter(|(_, value)| !value.is_empty()));
        let request = self.http.post(self.token_url()).form(&form);
        reply(request.send().await.unwrap()).await
    }

    pub(crate) async fn token_for(&self, resource: &str) -> String {
        let scope = format!("{resource}/.default");
        let (status, body) = self.login(&[("scope", &scope)]).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// A request below the subscription. The version is the newest, unless the path has a query.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let world = self.world();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let lower = path.to_ascii_lowercase();
        let version = match lower {
            _ if query.contains("api-version") => "",
            _ if lower.contains("microsoft.databricks/workspaces") => VERSION,
            _ if lower.contains("microsoft.network/") => "2025-01-01",
            _ => "2025-04-01",
        };
        let version = match version {
            "" => query.to_owned(),
            version => format!("api-version={version}&{query}"),
        };
        let subscription = &world.subscription_id;
        let endpoint = &world.arm_endpoint;
        let url = format!("{endpoint}/subscriptions/{subscription}{path}?{version}");
        self.http.request(method, url).bearer_auth(&self.token)
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        reply(self.send(Method::GET, path, None).await).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        reply(self.send(Method::PUT, path, Some(body)).await).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        reply(self.send(Method::DELETE, path, None).await).await
    }

    /// What an operation's URL answers.
    pub(crate) async fn poll(&self, url: &str) -> Reply {
        let request = self.http.get(url).bearer_auth(&self.token);
        reply(request.send().await.unwrap()).await
    }

    /// Error code of a refusal.
    pub(crate) async fn refused(&self, method: Method, path: &str, body: Value) -> (u16, String) {
        let (status, body) = reply(self.send(method, path, Some(body)).await).await;
        let code = body["error"]["code"].as_str();
        (status, code.unwrap_or_default().to_owned())
    }

    pub(crate) fn mistakes(&self) -> usize {
        self.simulator.unexpected().len()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.simulator.advance(Duration::from_secs(seconds));
    }

    /// The body of a workspace.
    pub(crate) fn body(&self, name: &str) -> Value {
        let subscription = &self.world().subscription_id;
        json!({
            "location": "westeurope",
            "sku": {"name": "premium"},
            "tags": {"team": "a"},
            "properties": {
                "computeMode": "Hybrid",
                "managedResourceGroupId": format!("/subscriptions/{subscription}/resourceGroups/mrg-{name}"),
            },
        })
    }

    /// The body of a workspace in the network that is there.
    pub(crate) fn injected(&self, name: &str) -> Value {
        let world = self.world();
        let mut body = self.body(name);
        body["properties"]["parameters"] = json!({
            "customVirtualNetworkId": {"value": world.vnet_id},
            "customPublicSubnetName": {"value": world.public_subnet},
            "customPrivateSubnetName": {"value": world.private_subnet},
            "enableNoPublicIp": {"value": true},
        });
        body
    }

    /// Creates a workspace and lets it be finished: what GET answers.
    pub(crate) async fn made(&self, name: &str, body: Value) -> Value {
        let (status, answer) = self.put(&workspace(name), body).await;
        assert_eq!(status, 201, "{answer}");
        self.pass(180);
        self.get(&workspace(name)).await.1
    }

    /// A request to the API of a workspace.
    pub(crate) fn site(&self, method: Method, workspace: &Value, path: &str) -> RequestBuilder {
        let host = &workspace["properties"]["workspaceUrl"];
        let url = format!("{}/api/2.0/{path}", self.simulator.world().account_host);
        let request = self.http.request(method, url);
        request.header("host", host.as_str().unwrap())
    }
}

/// The path of a workspace in the group that is there.
pub(crate) fn workspace(name: &str) -> String {
    format!("/resourceGroups/workspaces/providers/Microsoft.Databricks/workspaces/{name}")
}

pub(crate) fn client(world: &AzureWorld) -> Client {
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let certificate = Certificate::from_pem(world.ca_pem.as_bytes()).unwrap();
    let names = [
        "login.azure.brickyard.test",
        "management.azure.brickyard.test",
        "kv-brickyard.vault.azure.brickyard.test",
    ];
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([certificate]);
    let resolved = names
        .iter()
        .fold(client, |client, name| client.resolve(name, here));
    resolved.build().unwrap()
}
