alter table workspaces
    add column wish        jsonb,
    add column labels      jsonb not null default '{}',
    add column ttl_seconds integer,
    add column expires_at  timestamptz,
    add constraint workspaces_ttl_is_positive check (ttl_seconds > 0);

comment on column workspaces.wish is 'What was asked for, word by word and without what lives only here (domain::wish); null for what was asked for before this column was there.';
comment on column workspaces.labels is 'Labels of the caller. They stay here; tags go upstream.';
comment on column workspaces.ttl_seconds is 'Lifetime, counted from ready; null for ever.';
comment on column workspaces.expires_at is 'End of its life: set when it becomes ready, moved by callers. A grace later it is deleted, unless it is protected.';
