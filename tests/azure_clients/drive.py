"""Drives the simulated Azure with the vendor's own clients: tokens, a workspace, a secret, and all gone again.

Takes the simulator's world, as JSON, on standard input.
"""

import json
import os
import socket
import sys
import tempfile
import time

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientAssertionCredential, ClientSecretCredential, ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.databricks import AzureDatabricksManagementClient
from azure.mgmt.databricks import models

DATABRICKS = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"

# The system's resolver does not know the simulator's zone.
resolve = socket.getaddrinfo


def resolve_here(host, *arguments, **named):
    name = host.decode() if isinstance(host, bytes) else host
    return resolve("127.0.0.1" if name.endswith(".test") else name, *arguments, **named)


def tokens(azure: dict, trust: dict) -> ClientSecretCredential:
    """Logs in by secret, by federated token and as a managed identity."""
    tenant = {
        "tenant_id": azure["tenant_id"],
        "client_id": azure["client_id"],
        "authority": azure["authority_host"],
        "disable_instance_discovery": True,
        **trust,
    }
    credential = ClientSecretCredential(client_secret=azure["client_secret"], **tenant)
    federated = ClientAssertionCredential(func=lambda: azure["federated_token"], **tenant)
    os.environ["IDENTITY_ENDPOINT"] = azure["identity_endpoint"]
    os.environ["IDENTITY_HEADER"] = azure["identity_header"]
    for way in (credential, federated, ManagedIdentityCredential()):
        token = way.get_token(f"{DATABRICKS}/.default")
        assert token.token and token.expires_on > time.time() + 3000, way
    return credential


def workspaces(azure: dict, credential: ClientSecretCredential, trust: dict) -> None:
    """From PUT to Succeeded, and to nothing again."""
    client = AzureDatabricksManagementClient(
        credential,
        azure["subscription_id"],
        base_url=azure["arm_endpoint"],
        credential_scopes=[f"{azure['arm_endpoint']}/.default"],
        polling_interval=0.2,
        **trust,
    )
    group = f"/subscriptions/{azure['subscription_id']}/resourceGroups/mrg-drive"
    text = models.WorkspaceCustomStringParameter
    wanted = models.Workspace(
        location=azure["location"],
        sku=models.Sku(name="premium"),
        tags={"team": "a"},
        properties=models.WorkspaceProperties(
            compute_mode="Hybrid",
            managed_resource_group_id=group,
            parameters=models.WorkspaceCustomParameters(
                custom_virtual_network_id=text(value=azure["vnet_id"]),
                custom_public_subnet_name=text(value=azure["public_subnet"]),
                custom_private_subnet_name=text(value=azure["private_subnet"]),
                enable_no_public_ip=models.WorkspaceNoPublicIPBooleanParameter(value=True),
            ),
        ),
    )
    named = (azure["resource_group"], "drive")
    made = client.workspaces.begin_create_or_update(*named, wanted).result()
    assert made.properties.provisioning_state == "Succeeded", made
    assert made.properties.workspace_url.startswith(f"adb-{made.properties.workspace_id}."), made
    assert made.properties.workspace_url.endswith(f".{azure['workspace_domain']}"), made
    assert client.workspaces.get(*named).tags == {"team": "a"}
    assert [it.name for it in client.workspaces.list_by_subscription()] == ["drive"]
    assert [it.name for it in client.workspaces.list_by_resource_group(azure["resource_group"])] == ["drive"]
    change = models.WorkspaceUpdate(tags={"team": "b"})
    assert client.workspaces.begin_update(*named, change).result().tags == {"team": "b"}
    client.workspaces.begin_delete(*named, force_deletion=True).result()
    try:
        client.workspaces.get(*named)
        raise AssertionError("the workspace is still there")
    except ResourceNotFoundError:
        pass


def secrets(azure: dict, credential: ClientSecretCredential, trust: dict) -> None:
    """Set, read, changed, deleted, recovered and purged."""
    # The port is no part of the resource that the vault names.
    client = SecretClient(azure["vault_url"], credential, verify_challenge_resource=False, **trust)
    first = client.set_secret("drive-pat", "one", tags={"token_id": "1"}, content_type="text/plain")
    client.set_secret("drive-pat", "two")
    assert client.get_secret("drive-pat").value == "two"
    assert client.get_secret("drive-pat", first.properties.version).value == "one"
    changed = client.update_secret_properties("drive-pat", tags={"token_id": "2"})
    assert changed.tags == {"token_id": "2"}, changed
    assert len(list(client.list_properties_of_secret_versions("drive-pat"))) == 2
    assert [it.name for it in client.list_properties_of_secrets()] == ["drive-pat"]
    client.begin_delete_secret("drive-pat").wait()
    assert client.get_deleted_secret("drive-pat").recovery_id
    assert [it.name for it in client.list_deleted_secrets()] == ["drive-pat"]
    client.begin_recover_deleted_secret("drive-pat").wait()
    for _ in range(100):
        # It reads before it writes.
        try:
            client.set_secret("drive-pat", "three")
            break
        except HttpResponseError as error:
            assert error.status_code == 409, error
            time.sleep(0.1)
    assert client.get_secret("drive-pat").value == "three"
    client.begin_delete_secret("drive-pat").wait()
    client.purge_deleted_secret("drive-pat")
    assert not list(client.list_deleted_secrets())


def main() -> None:
    azure = json.load(sys.stdin)["azure"]
    socket.getaddrinfo = resolve_here
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
        authority.write(azure["ca_pem"])
        authority.flush()
        trust = {"connection_verify": authority.name}
        credential = tokens(azure, trust)
        workspaces(azure, credential, trust)
        secrets(azure, credential, trust)
    print("everything is gone")


main()
