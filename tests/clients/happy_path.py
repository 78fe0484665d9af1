"""The happy path, with nothing but the client that openapi-python-client makes from openapi/openapi.json.

Takes BRICKYARD_URL and BRICKYARD_TOKEN from the environment and the name of a workspace as its argument. Prints the id
of the workspace that it made and deleted.
"""

import os
import sys

from brickyard_client import AuthenticatedClient
from brickyard_client.api.operations import get_operation
from brickyard_client.api.workspaces import (
    create_workspace,
    delete_workspace,
    get_workspace,
    list_tokens,
    list_workspaces,
)
from brickyard_client.models import (
    Code,
    CreateWorkspace,
    FieldCode,
    Operation,
    OperationStatus,
    Phase,
    Problem,
    TokenPage,
    Workspace,
    WorkspacePage,
)


def follow(client: AuthenticatedClient, operation: Operation) -> None:
    """Waits until an operation has ended, and ended well."""
    while not operation.done:
        answer = get_operation.sync(operation.id, client=client, prefer="wait=20")
        assert isinstance(answer, Operation), answer
        operation = answer
    assert operation.status == OperationStatus.SUCCEEDED, operation.problem


def main(name: str) -> None:
    client = AuthenticatedClient(
        base_url=os.environ["BRICKYARD_URL"],
        token=os.environ["BRICKYARD_TOKEN"],
        timeout=60.0,
        raise_on_unexpected_status=True,
    )

    # A mistake is told by its pointer.
    wrong = CreateWorkspace(name="No name", template="sandbox")
    refused = create_workspace.sync(client=client, body=wrong)
    assert isinstance(refused, Problem), refused
    assert (refused.status, refused.code) == (422, Code.VALIDATION_FAILED), refused
    assert [(e.pointer, e.code) for e in refused.errors] == [("/name", FieldCode.INVALID)], refused

    # Asking twice with one key asks once.
    wanted = CreateWorkspace(name=name, template="sandbox")
    first, again = (
        create_workspace.sync_detailed(client=client, body=wanted, idempotency_key=f"key-{name}")
        for _ in range(2)
    )
    assert isinstance(first.parsed, Operation) and isinstance(again.parsed, Operation), first
    assert again.parsed.id == first.parsed.id
    assert again.headers["Idempotency-Replayed"] == "true"
    follow(client, first.parsed)

    workspace = get_workspace.sync(name, client=client)
    assert isinstance(workspace, Workspace), workspace
    assert workspace.phase == Phase.READY and workspace.problem is None, workspace
    assert workspace.external.workspace_url, workspace

    tokens = list_tokens.sync(workspace.id, client=client)
    assert isinstance(tokens, TokenPage), tokens
    assert [token.secret.version for token in tokens.items] == ["1"], tokens

    page = list_workspaces.sync(client=client, phase=[Phase.READY], name_prefix=name, limit=10)
    assert isinstance(page, WorkspacePage), page
    assert [item.id for item in page.items] == [workspace.id], page

    deletion = delete_workspace.sync(name, client=client)
    assert isinstance(deletion, Operation), deletion
    follow(client, deletion)
    gone = get_workspace.sync(workspace.id, client=client)
    assert isinstance(gone, Workspace) and gone.phase == Phase.DELETED, gone

    print(workspace.id)


if __name__ == "__main__":
    main(sys.argv[1])
