//! The simulated account or subscription, and the store that goes with it, as configuration.

use crate::domain::cloud::Cloud;
use simulator::World;

/// What is different from cloud to cloud, as lines of their sections.
pub(super) struct Place {
    pub(super) outbound: String,
    pub(super) account: String,
    pub(super) store: String,
    pub(super) region: String,
}

impl Place {
    pub(super) fn on(cloud: Cloud, world: &World) -> Self {
        match cloud {
            Cloud::Aws => on_aws(world),
            Cloud::Azure => on_azure(world),
        }
    }
}

/// The domain in the address of a workspace.
fn domain(template: &str) -> &str {
    let (_, host) = template
        .split_once("{deployment_name}.")
        .unwrap_or_default();
    host.split([':', '/']).next().unwrap_or_default()
}

fn on_aws(world: &World) -> Place {
    Place {
        outbound: String::new(),
        account: format!(
            r#"cloud = "aws"
account_host = "{}"
account_id = "{}"
client_id = "{}"
client_secret = "{}"
workspace_domain = "{}"
workspace_url_template = "{}"
requests_per_second = 100"#,
            world.account_host,
            world.account_id,
            world.client_id,
            world.client_secret,
            domain(&world.workspace_url_template),
            world.workspace_url_template,
        ),
        store: format!(
            "type = \"vault\"\naddress = \"{}\"\ntoken = \"{}\"",
            world.vault_address, world.vault_token
        ),
        region: "us-west-2".to_owned(),
    }
}

fn on_azure(world: &World) -> Place {
    let azure = &world.azure;
    let identity = format!(
        r#"authority_host = "{}"
tenant_id = "{}"
client_id = "{}"
client_secret = "{}""#,
        azure.authority_host, azure.tenant_id, azure.client_id, azure.client_secret
    );
    Place {
        outbound: format!("ca_file = \"{}\"", azure.ca_file.display()),
        account: format!(
            r#"cloud = "azure"
subscription_id = "{}"
{identity}
arm_endpoint = "{}"
workspace_domain = "{}"
workspace_url_template = "{}"
requests_per_second = 100"#,
            azure.subscription_id,
            azure.arm_endpoint,
            azure.workspace_domain,
            azure.workspace_url_template,
        ),
        store: format!(
            "type = \"azure_key_vault\"\nvault_url = \"{}\"\n{identity}",
            azure.vault_url
        ),
        region: azure.location.clone(),
    }
}
