//! A CI job that needs a workspace: what it sends, and what it sees.

use crate::client::{Client, list, text};
use crate::show::{self, Screen};
use anyhow::{Context, Result, bail, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The job, with its token.
pub(crate) struct Job<'a> {
    client: Client,
    /// Where the service answers.
    pub(crate) api: &'a str,
    token: String,
    /// The line the service printed.
    world: &'a Value,
}

impl<'a> Job<'a> {
    fn claims() -> Value {
        json!({
            "sub": "repo:acme/data-platform:ref:refs/heads/main",
            "repository": "acme/data-platform",
            "ref": "refs/heads/main",
        })
    }

    pub(crate) fn introduce(&self, screen: &mut Screen) -> Result<()> {
        let claims = Self::claims();
        let (repository, branch) = (text(&claims, "/repository")?, text(&claims, "/ref")?);
        screen.line(&format!(
            "A job of {repository} on {branch} has a token of its issuer, as CI gives to each job."
        ));
        Ok(())
    }

    /// A job with the token that its CI platform gives to each job. `world` is the line the service printed.
    pub(crate) async fn start(client: Client, world: &'a Value) -> Result<Self> {
        let issuer = text(world, "/simulator/issuer")?;
        let request = client
            .post(&format!("{issuer}/token"))
            .json(&Self::claims());
        let answer = client.send(request, StatusCode::OK).await?;
        let token = text(&answer, "/access_token")?.to_owned();
        Ok(Self {
            client,
            api: text(world, "/api")?,
            token,
            world,
        })
    }

    /// Asks for a workspace; the accepted operation.
    pub(crate) async fn ask_for(&self, screen: &mut Screen, name: &str) -> Result<Value> {
        let template = text(self.world, "/template")?;
        let request = self
            .client
            .post(&format!("{}/workspaces", self.api))
            .bearer_auth(&self.token)
            .header("Idempotency-Key", format!("\"{}\"", Uuid::new_v4()))
            .json(&json!({"name": name, "template": template}));
        let operation = self.client.send(request, StatusCode::ACCEPTED).await?;
        let id = text(&operation, "/id")?;
        screen.line(&format!(
            "It asks for {name} by template {template} and is answered at once: 202 Accepted."
        ));
        screen.field("operation", id);
        screen.gap();
        Ok(operation)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let request = self
            .client
            .get(&format!("{}{path}", self.api))
            .bearer_auth(&self.token);
        self.client.send(request, StatusCode::OK).await
    }

    /// Follows an operation to its end, showing each step as it ends.
    async fn follow(&self, screen: &mut Screen, operation: &Value) -> Result<Value> {
        let url = format!("{}/operations/{}", self.api, text(operation, "/id")?);
        let mut shown = BTreeSet::new();
        let mut operation = operation.clone();
        loop {
            let steps = list(&operation, "/steps")?;
            let width = steps
                .iter()
                .filter_map(|step| step["name"].as_str())
                .map(str::len)
                .max()
                .unwrap_or(0);
            for step in steps.iter().filter(|step| step["finished_at"].is_string()) {
                if shown.insert(text(step, "/name")?.to_owned()) {
                    screen.step(step, width);
                }
            }
            if operation["done"] == true {
                screen.gap();
                return Ok(operation);
            }
            if operation["status"] == "needs_attention" {
                screen.problem(&operation["problem"]);
                bail!("the operation waits for a person");
            }
            let asked = Instant::now();
            let request = self
                .client
                .get(&url)
                .bearer_auth(&self.token)
                .header("Prefer", "wait=20");
            let next = self.client.send(request, StatusCode::OK).await?;
            // An answer that came at once and says nothing new: ask less often.
            if next == operation && asked.elapsed() < Duration::from_millis(100) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            operation = next;
        }
    }

    /// Follows the creation to its good end; the workspace.
    pub(crate) async fn see_it_ready(&self, screen: &mut Screen, created: &Value) -> Result<Value> {
        let began = Instant::now();
        let ended = self.follow(screen, created).await?;
        if ended["status"] != "succeeded" {
            screen.problem(&ended["problem"]);
            bail!("the operation ended as {}", ended["status"]);
        }
        let workspace = self
            .get(&format!("/workspaces/{}", text(&ended, "/target/id")?))
            .await?;
        ensure!(
            workspace["phase"] == "ready",
            "the workspace is {} and not ready",
            workspace["phase"]
        );
        let url = text(&workspace, "/external/workspace_url")?;
        screen.line(&format!(
            "Ready after {}: {url}",
            show::seconds(began.elapsed())
        ));
        screen.gap();
        Ok(workspace)
    }

    /// Shows the reference to the delivered token; the reference.
    pub(crate) async fn see_where_the_token_is(
        &self,
        screen: &mut Screen,
        workspace: &Value,
    ) -> Result<Value> {
        let tokens = self
            .get(&format!("/workspaces/{}/tokens", text(workspace, "/id")?))
            .await?;
        let active = list(&tokens, "/items")?
            .iter()
            .filter(|token| token["status"] == "active");
        let active: Vec<&Value> = active.collect();
        let [token] = active.as_slice() else {
            bail!("{} active tokens and not one", active.len())
        };
        let secret = &token["secret"];
        screen.line("Its access token lies in the secret store; the API knows where, and nobody what it is.");
        for field in ["store", "path", "version"] {
            screen.field(field, &show::plain(&secret[field]));
        }
        screen.field("expires", &show::plain(&token["expires_at"]));
        screen.gap();
        Ok(secret.clone())
    }

    /// Reads the secret as the consuming job would, under its own identity, and calls the workspace with it.
    pub(crate) async fn use_the_token(&self, screen: &mut Screen, secret: &Value) -> Result<()> {
        let found = match text(self.world, "/cloud")? {
            "azure" => self.in_the_key_vault(secret).await?,
            _ => self.in_the_vault(secret).await?,
        };
        let (host, token) = (text(&found, "/host")?, text(&found, "/token")?);

        let url = format!("{}/api/2.0/preview/scim/v2/Me", host.trim_end_matches('/'));
        let request = self.client.to_loopback(&url)?.bearer_auth(token);
        let me = self
            .client
            .send(request, StatusCode::OK)
            .await
            .context("the workspace refuses the token")?;
        screen.line(
            "The job reads it from there under its own identity, and the workspace accepts it.",
        );
        screen.field("GET", &url);
        screen.field(
            "answer",
            &format!(
                "200, \"{}\" ({})",
                text(&me, "/displayName")?,
                text(&me, "/userName")?
            ),
        );
        Ok(())
    }

    async fn in_the_vault(&self, secret: &Value) -> Result<Value> {
        let vault = text(self.world, "/simulator/vault_address")?;
        let (path, version) = (text(secret, "/path")?, show::plain(&secret["version"]));
        let request = self
            .client
            .get(&format!("{vault}/v1/secret/data/{path}?version={version}"))
            .header("X-Vault-Token", text(self.world, "/simulator/vault_token")?);
        let found = self.client.send(request, StatusCode::OK).await?;
        Ok(found["data"]["data"].clone())
    }

    async fn in_the_key_vault(&self, secret: &Value) -> Result<Value> {
        let of = |name: &str| text(self.world, &format!("/simulator/azure/{name}"));
        let (vault, authority) = (of("vault_url")?, of("authority_host")?);
        let client = Client::trusting(of("ca_pem")?, &[vault, authority])?;
        let login = format!("{authority}/{}/oauth2/v2.0/token", of("tenant_id")?);
        let login = client.post(&login).form(&[
            ("grant_type", "client_credentials"),
            ("client_id", of("client_id")?),
            ("client_secret", of("client_secret")?),
            ("scope", "https://vault.azure.net/.default"),
        ]);
        let login = client.send(login, StatusCode::OK).await?;
        // What a path is in a vault whose names have no slashes.
        let name = text(secret, "/path")?.replace('/', "--");
        let version = show::plain(&secret["version"]);
        let request = client
            .get(&format!("{vault}/secrets/{name}/{version}?api-version=7.4"))
            .bearer_auth(text(&login, "/access_token")?);
        let found = client.send(request, StatusCode::OK).await?;
        serde_json::from_str(text(&found, "/value")?).context("the secret is not JSON")
    }

    /// Follows the creation to its bad end and shows why; the workspace.
    pub(crate) async fn see_it_explained(
        &self,
        screen: &mut Screen,
        created: &Value,
    ) -> Result<Value> {
        let ended = self.follow(screen, created).await?;
        ensure!(
            ended["status"] == "failed",
            "the operation ended as {} and should have failed",
            ended["status"]
        );
        for field in [
            "/problem/title",
            "/problem/detail",
            "/problem/hint",
            "/problem/fix_by",
        ] {
            text(&ended, field)?;
        }
        screen.problem(&ended["problem"]);
        screen.gap();
        self.get(&format!("/workspaces/{}", text(&ended, "/target/id")?))
            .await
    }

    /// Follows the operation that removes what the failed one had made.
    pub(crate) async fn see_it_undone(
        &self,
        screen: &mut Screen,
        created: &Value,
        workspace: &Value,
    ) -> Result<()> {
        let path = format!("/workspaces/{}", text(workspace, "/id")?);
        let mut workspace = workspace.clone();
        let undo = loop {
            let operations =
                ["active_operation", "last_operation"].map(|field| workspace[field].as_str());
            let other = operations
                .into_iter()
                .flatten()
                .find(|id| created["id"] != **id);
            if let Some(id) = other {
                break self.get(&format!("/operations/{id}")).await?;
            }
            // It is opened as soon as the failure is recorded.
            tokio::time::sleep(Duration::from_millis(200)).await;
            workspace = self.get(&path).await?;
        };
        ensure!(
            undo["kind"] == "delete",
            "what follows the failure is {} and not delete",
            undo["kind"]
        );
        screen.line("What had been made for it is removed, last step first.");
        screen.field("operation", text(&undo, "/id")?);
        screen.gap();
        let ended = self.follow(screen, &undo).await?;
        if ended["status"] != "succeeded" {
            screen.problem(&ended["problem"]);
            bail!("the undoing ended as {}", ended["status"]);
        }
        Ok(())
    }
}
