create table orphans (
    account            text not null,
    kind               text not null constraint orphans_kind_known
                       check (kind in ('workspace', 'network', 'storage', 'credentials', 'principal', 'token')),
    external_id        text not null,
    marker             text not null,
    workspace_id       uuid not null,
    first_seen_at      timestamptz not null default clock(),
    last_seen_at       timestamptz not null default clock(),
    removal_asked_at   timestamptz,
    constraint orphans_once primary key (account, kind, external_id)
);

comment on table orphans is 'Things outside with our marker that nobody owns, as long as they are there. What became of them is in the audit.';
comment on column orphans.account is 'Configured account it was found in.';
comment on column orphans.kind is 'workspace, network, storage, credentials, principal or token.';
comment on column orphans.external_id is 'The vendor''s id of it.';
comment on column orphans.marker is 'The marker it carries.';
comment on column orphans.workspace_id is 'The workspace its marker names. No foreign key: there may be no such row, or not any more.';
comment on column orphans.first_seen_at is 'When a sweep found it. Its age is counted from here.';
comment on column orphans.last_seen_at is 'When a sweep last saw it.';
comment on column orphans.removal_asked_at is 'When its removal was first asked for.';
