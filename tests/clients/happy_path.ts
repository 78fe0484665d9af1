// The happy path, with nothing but the client that @hey-api/openapi-ts makes from openapi/openapi.json.
//
// Takes BRICKYARD_URL and BRICKYARD_TOKEN from the environment and the name of a workspace as its argument. Prints the
// id of the workspace that it made and deleted.

import assert from "node:assert/strict";
import {
  createWorkspace,
  deleteWorkspace,
  getOperation,
  getWorkspace,
  listTokens,
  listWorkspaces,
  type CreateWorkspace,
  type Operation,
} from "./brickyard-client/index.js";
import { client } from "./brickyard-client/client.gen.js";

/** Waits until an operation has ended, and ended well. */
async function follow(operation: Operation): Promise<void> {
  while (!operation.done) {
    const { data } = await getOperation({
      path: { operation: operation.id },
      headers: { Prefer: "wait=20" },
      throwOnError: true,
    });
    operation = data;
  }
  assert.equal(operation.status, "succeeded", operation.problem?.detail);
}

async function main(name: string): Promise<void> {
  client.setConfig({
    baseUrl: process.env["BRICKYARD_URL"],
    auth: () => process.env["BRICKYARD_TOKEN"],
  });

  // A mistake is told by its pointer.
  const refused = await createWorkspace({ body: { name: "No name", template: "sandbox" } });
  assert.ok(refused.error !== undefined);
  assert.equal(refused.error.status, 422);
  assert.equal(refused.error.code, "validation_failed");
  assert.deepEqual(
    refused.error.errors.map(({ pointer, code }) => [pointer, code]),
    [["/name", "invalid"]],
  );

  // Asking twice with one key asks once.
  const body: CreateWorkspace = { name, template: "sandbox" };
  const ask = () =>
    createWorkspace({ body, headers: { "Idempotency-Key": `key-${name}` }, throwOnError: true });
  const first = await ask();
  const again = await ask();
  assert.equal(again.data.id, first.data.id);
  assert.equal(again.response.headers.get("Idempotency-Replayed"), "true");
  await follow(first.data);

  const { data: workspace } = await getWorkspace({ path: { workspace: name }, throwOnError: true });
  assert.equal(workspace.phase, "ready");
  assert.equal(workspace.problem, null);
  assert.ok(workspace.external.workspace_url);

  const { data: tokens } = await listTokens({
    path: { workspace: workspace.id },
    throwOnError: true,
  });
  assert.deepEqual(
    tokens.items.map((token) => token.secret.version),
    ["1"],
  );

  const { data: page } = await listWorkspaces({
    query: { phase: ["ready"], name_prefix: name, limit: 10 },
    throwOnError: true,
  });
  assert.deepEqual(
    page.items.map((item) => item.id),
    [workspace.id],
  );

  const { data: deletion } = await deleteWorkspace({ path: { workspace: name }, throwOnError: true });
  assert.ok(deletion);
  await follow(deletion);
  const { data: gone } = await getWorkspace({ path: { workspace: workspace.id }, throwOnError: true });
  assert.equal(gone.phase, "deleted");

  console.log(workspace.id);
}

const name = process.argv[2];
assert.ok(name, "the name of a workspace");
await main(name);
