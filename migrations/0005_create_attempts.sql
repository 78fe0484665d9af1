create table attempts (
    id            uuid primary key,
    workspace_id  uuid not null references workspaces (id),
    operation_id  uuid not null,
    call          text not null,
    marker        text not null,
    epoch         bigint not null,
    outcome       text not null default 'open' constraint attempts_outcome_known
                  check (outcome in ('open', 'unknown', 'not_sent', 'applied', 'refused', 'not_yet', 'throttled', 'adopted', 'absent')),
    sent_deadline timestamptz not null,
    created_at    timestamptz not null default clock(),
    closed_at     timestamptz
);
create unique index attempts_one_unresolved on attempts (workspace_id, call) where outcome in ('open', 'unknown');
create index attempts_by_workspace on attempts (workspace_id, created_at);

comment on table attempts is 'Permits: one row is committed before each call that must not be repeated.';
comment on column attempts.id is 'UUIDv7.';
comment on column attempts.workspace_id is 'For which workspace.';
comment on column attempts.operation_id is 'In which operation.';
comment on column attempts.call is 'Which call: create_credentials, create_storage, create_workspace, create_service_principal, mint_token.';
comment on column attempts.marker is 'The value on the outside object by which it is found again.';
comment on column attempts.epoch is 'Lease epoch of the sender.';
comment on column attempts.outcome is 'open: perhaps on its way; unknown: no usable answer; the others are closed. not_sent, refused, not_yet, throttled, absent: nothing was made. applied: answered. adopted: found by its marker.';
comment on column attempts.sent_deadline is 'After this the sender has given up waiting for the answer.';
comment on column attempts.created_at is 'When the permit was given.';
comment on column attempts.closed_at is 'When its outcome was known.';
