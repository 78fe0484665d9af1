create index operations_unfinished on operations (workspace_id) where finished_at is null;
create index audit_of_forgotten on audit (workspace_id) where action = 'workspace.forgotten';
