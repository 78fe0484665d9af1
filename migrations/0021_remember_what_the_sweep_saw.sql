create table sightings (
    workspace_id     uuid primary key references workspaces (id),
    missing_since    timestamptz,
    tokens_listed_at timestamptz
);

comment on table sightings is 'What the sweep remembers of a workspace from one pass to the next.';
comment on column sightings.workspace_id is 'Which workspace.';
comment on column sightings.missing_since is 'Since which pass Databricks'' list has been without it; null while it is listed.';
comment on column sightings.tokens_listed_at is 'When its tokens were last looked at; those that waited longest come first.';
