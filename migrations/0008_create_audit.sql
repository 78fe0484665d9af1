create table audit (
    seq          bigint generated always as identity primary key,
    at           timestamptz not null default clock(),
    actor        text not null,
    action       text not null,
    workspace_id uuid,
    operation_id uuid,
    team         text,
    epoch        bigint,
    request_id   text,
    detail       jsonb not null default '{}'
);
create index audit_by_workspace on audit (workspace_id, seq);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only';
end $$;
create trigger audit_is_append_only before update or delete or truncate on audit
    for each statement execute function audit_is_append_only();

comment on table audit is 'Append-only: every state change, in the transaction of the change. A workspace''s events are its rows.';
comment on column audit.seq is 'Order of insertion.';
comment on column audit.at is 'When.';
comment on column audit.actor is 'Who: a principal, worker or system:<why>.';
comment on column audit.action is 'What, as <noun>.<verb in the past>: operation.accepted, step.succeeded.';
comment on column audit.workspace_id is 'On which workspace.';
comment on column audit.operation_id is 'In which operation.';
comment on column audit.team is 'Whose.';
comment on column audit.epoch is 'Lease epoch of the writer, for changes made by a worker.';
comment on column audit.request_id is 'HTTP exchange that asked for it.';
comment on column audit.detail is 'What changed. Never a secret.';
comment on function audit_is_append_only() is 'Refuses to change or remove an audit row.';
