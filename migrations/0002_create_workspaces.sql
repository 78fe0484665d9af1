create table workspaces (
    id                  uuid primary key,
    name                text not null,
    team                text not null,
    owner               text not null,
    account             text not null,
    cloud               text not null,
    region              text not null,
    template            text not null,
    spec                jsonb not null,
    external            jsonb not null default '{}',
    workspace_status    text,
    workspace_status_message text,
    conditions          jsonb not null default '[]',
    phase               text not null constraint workspaces_phase_known
                        check (phase in ('pending', 'provisioning', 'ready', 'deleting', 'deleted', 'failed')),
    problem             jsonb,
    deletion_protection boolean not null,
    last_operation      uuid not null,
    active_operation    uuid,
    version             bigint not null default 1,
    created_at          timestamptz not null default clock(),
    updated_at          timestamptz not null default clock(),
    deleted_at          timestamptz
);
create unique index workspaces_name_per_team on workspaces (team, name) where phase <> 'deleted';
create index workspaces_by_team on workspaces (team, id desc);
create index workspaces_by_name on workspaces (name) where phase <> 'deleted';

comment on table workspaces is 'One row per workspace asked for, kept after deletion as a tombstone. Hot reads need this row only.';
comment on column workspaces.id is 'UUIDv7; shown as ws_… (TypeID).';
comment on column workspaces.name is 'Name chosen by the caller; unique per team among the living.';
comment on column workspaces.team is 'The team it belongs to; every query names it.';
comment on column workspaces.owner is 'The principal it belongs to, as oidc:<issuer>:<subject>.';
comment on column workspaces.account is 'Configured account it is made in; taken from the spec for the observer.';
comment on column workspaces.cloud is 'Cloud, taken from the spec for filters.';
comment on column workspaces.region is 'Region, taken from the spec for filters.';
comment on column workspaces.template is 'Template, taken from the spec for filters.';
comment on column workspaces.spec is 'The resolved wish (domain::spec::Spec): nothing in it must be looked up in the configuration again.';
comment on column workspaces.external is 'External ids (domain::external::ExternalIds), saved at every checkpoint. Never a secret.';
comment on column workspaces.workspace_status is 'Databricks'' own status as last observed. Its own column: the observer writes it while a worker holds the rest.';
comment on column workspaces.workspace_status_message is 'Databricks'' own sentence about it.';
comment on column workspaces.conditions is 'Observed facts (domain::condition::Condition), the truth behind the phase.';
comment on column workspaces.phase is 'Summary for people, derived by domain::phase::phase and stored only for filtering.';
comment on column workspaces.problem is 'Why it is not as it should be (domain::problem::Explanation); null when it is.';
comment on column workspaces.deletion_protection is 'While true, callers cannot delete it.';
comment on column workspaces.last_operation is 'Newest operation on it. No foreign key: both rows are inserted in one statement.';
comment on column workspaces.active_operation is 'The operation that is not finished; null if none.';
comment on column workspaces.version is 'Rises with every visible change.';
comment on column workspaces.created_at is 'When it was asked for.';
comment on column workspaces.updated_at is 'When something visible last changed.';
comment on column workspaces.deleted_at is 'When the last thing outside was gone.';
