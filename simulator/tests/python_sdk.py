"""Drives a simulator with the vendor's SDK: from credentials to a PAT, and everything gone again."""

import json
import socket
import sys
import time

from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.errors import NotFound, InvalidState
from databricks.sdk.service import iam, provisioning, settings

world = json.loads(sys.argv[1])
login = {"client_id": world["client_id"], "client_secret": world["client_secret"]}

# The system's resolver does not know the simulator's zone.
resolve = socket.getaddrinfo


def resolve_here(host, *arguments, **named):
    name = host.decode() if isinstance(host, bytes) else host
    return resolve("127.0.0.1" if name.endswith(".test") else name, *arguments, **named)


socket.getaddrinfo = resolve_here

account = AccountClient(host=world["account_host"], account_id=world["account_id"], **login)
role = provisioning.CreateCredentialStsRole(role_arn="arn:aws:iam::111122223333:role/x")
credentials = account.credentials.create(
    "team-a-credentials", provisioning.CreateCredentialAwsCredentials(sts_role=role)
)
storage = account.storage.create(
    storage_configuration_name="team-a-storage",
    root_bucket_info=provisioning.RootBucketInfo(bucket_name="team-a-root"),
)
network = account.networks.create(
    network_name="team-a-network",
    vpc_id="vpc-1",
    subnet_ids=["subnet-1", "subnet-2"],
    security_group_ids=["sg-1"],
)
workspace = account.workspaces.create_and_wait(
    workspace_name="team-a",
    aws_region="eu-central-1",
    credentials_id=credentials.credentials_id,
    storage_configuration_id=storage.storage_configuration_id,
    network_id=network.network_id,
    custom_tags={"team": "a"},
)
assert workspace.workspace_status == provisioning.WorkspaceStatus.RUNNING
assert [w.workspace_id for w in account.workspaces.list()] == [workspace.workspace_id]
changed = account.workspaces.update_and_wait(
    workspace.workspace_id,
    customer_facing_workspace=provisioning.Workspace(custom_tags={"team": "b"}),
    update_mask="custom_tags",
)
assert changed.custom_tags == {"team": "b"}
host = world["workspace_url_template"].replace("{deployment_name}", workspace.deployment_name)

ours = WorkspaceClient(host=host, **login)
assert ours.current_user.me().user_name == world["client_id"]
minted = ours.tokens.create(comment="own", lifetime_seconds=3600)
assert [t.token_id for t in ours.tokens.list()] == [minted.token_info.token_id]
by_pat = WorkspaceClient(host=host, token=minted.token_value, auth_type="pat")
assert by_pat.current_user.me().user_name == world["client_id"]

principals = getattr(account, "service_principals", None) or account.service_principals_v2
principal = principals.create(display_name="team-a-principal")
found = list(principals.list(filter='displayName eq "team-a-principal"'))
assert [p.id for p in found] == [principal.id]
account.workspace_assignment.update(
    workspace.workspace_id, int(principal.id), permissions=[iam.WorkspacePermission.USER]
)
assert len(list(account.workspace_assignment.list(workspace.workspace_id))) == 2
ours.token_management.update_permissions(
    access_control_list=[
        settings.TokenAccessControlRequest(
            service_principal_name=principal.application_id,
            permission_level=settings.TokenPermissionLevel.CAN_USE,
        )
    ]
)
behalf = ours.token_management.create_obo_token(
    application_id=principal.application_id, comment="on behalf", lifetime_seconds=60
)
theirs = WorkspaceClient(host=host, token=behalf.token_value, auth_type="pat")
assert theirs.current_user.me().user_name == principal.application_id
assert len(list(ours.token_management.list())) == 2
ours.token_management.delete(behalf.token_info.token_id)
ours.tokens.delete(minted.token_info.token_id)

try:
    account.networks.delete(network.network_id)
    raise SystemExit("a network in use was deleted")
except InvalidState as refusal:
    assert "being used by active workspace" in str(refusal), refusal
account.workspaces.delete(workspace.workspace_id)
for _ in range(100):
    try:
        account.workspaces.get(workspace.workspace_id)
        time.sleep(0.05)
    except NotFound:
        break
principals.delete(principal.id)
account.networks.delete(network.network_id)
account.storage.delete(storage.storage_configuration_id)
account.credentials.delete(credentials.credentials_id)
print("everything is gone")
