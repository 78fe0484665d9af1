create table operations (
    id           uuid primary key,
    workspace_id uuid not null references workspaces (id),
    team         text not null,
    kind         text not null constraint operations_kind_known check (kind in ('create', 'delete')),
    status       text not null constraint operations_status_known
                 check (status in ('queued', 'running', 'cancelling', 'needs_attention', 'succeeded', 'failed', 'cancelled')),
    plan         text[] not null,
    position     integer not null default 0,
    steps        jsonb not null,
    memo         jsonb not null default 'null',
    waiting_for  text,
    message      text not null default '',
    warnings     jsonb not null default '[]',
    problem      jsonb,
    requested_by text not null,
    request_id   text not null,
    traceparent  text,
    not_before   timestamptz,
    deadline_at  timestamptz,
    created_at   timestamptz not null default clock(),
    started_at   timestamptz,
    finished_at  timestamptz
);
create unique index operations_one_at_a_time on operations (workspace_id)
    where status in ('queued', 'running', 'needs_attention');
create index operations_by_team on operations (team, id desc);
create index operations_by_workspace on operations (workspace_id, id desc);

comment on table operations is 'The work on a workspace that a caller can follow.';
comment on column operations.id is 'UUIDv7; shown as op_… (TypeID).';
comment on column operations.workspace_id is 'The workspace it works on.';
comment on column operations.team is 'Copied from the workspace, so that a list needs no join.';
comment on column operations.kind is 'create: the plan first to last. delete: the same plan undone, last first.';
comment on column operations.status is 'queued: no step begun; running; cancelling: stops at the next checkpoint; needs_attention: waits for a person; then succeeded, failed or cancelled, for good.';
comment on column operations.plan is 'Names of the steps, fixed on acceptance. A worker leaves alone what it does not know.';
comment on column operations.position is 'Index into plan of the step that is next; equals its length at the end.';
comment on column operations.steps is 'What callers see of each step (domain::operation::StepRecord).';
comment on column operations.memo is 'Small JSON of the current step, saved at its checkpoint; null again when the step is done.';
comment on column operations.waiting_for is 'databricks, secret_store or throttling while a step waits for it.';
comment on column operations.message is 'A sentence about where it is.';
comment on column operations.warnings is 'Sentences about what was not as asked.';
comment on column operations.problem is 'Why it failed or needs attention (domain::problem::Explanation).';
comment on column operations.requested_by is 'The principal who asked, or system:<why>.';
comment on column operations.request_id is 'Request id of the HTTP exchange that accepted it; joins logs of API and worker.';
comment on column operations.traceparent is 'W3C trace context of that exchange, if its caller sent one: one trace covers request and work.';
comment on column operations.not_before is 'Earliest begin: a failed workspace is kept that long before its delete begins.';
comment on column operations.deadline_at is 'Set when the first step begins; time in the queue does not count.';
comment on column operations.created_at is 'When it was accepted.';
comment on column operations.started_at is 'When the first step began.';
comment on column operations.finished_at is 'When it ended.';
