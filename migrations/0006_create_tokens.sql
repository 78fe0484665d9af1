create table tokens (
    id             uuid primary key,
    workspace_id   uuid not null references workspaces (id),
    team           text not null,
    principal      text not null,
    generation     integer not null,
    status         text not null constraint tokens_status_known check (status in ('active', 'revoked')),
    external_id    text not null,
    store          text not null,
    store_kind     text not null,
    secret_path    text not null,
    secret_version text not null,
    created_at     timestamptz not null default clock(),
    expires_at     timestamptz,
    revoked_at     timestamptz,
    constraint tokens_one_per_generation unique (workspace_id, generation)
);

comment on table tokens is 'References to delivered PATs. There is no column for the value.';
comment on column tokens.id is 'UUIDv7; shown as tok_… (TypeID).';
comment on column tokens.workspace_id is 'The workspace it opens.';
comment on column tokens.team is 'Copied from the workspace.';
comment on column tokens.principal is 'Whose PAT it is: service_principal:<application id> or provisioner.';
comment on column tokens.generation is 'Counts from 1.';
comment on column tokens.status is 'active: lies in the store; revoked: useless.';
comment on column tokens.external_id is 'The vendor''s token id.';
comment on column tokens.store is 'Configured name of the secret store.';
comment on column tokens.store_kind is 'Kind of the store.';
comment on column tokens.secret_path is 'Path inside the store.';
comment on column tokens.secret_version is 'The store''s version that holds it.';
comment on column tokens.created_at is 'When it was delivered.';
comment on column tokens.expires_at is 'When the vendor ends it.';
comment on column tokens.revoked_at is 'When it was revoked.';
