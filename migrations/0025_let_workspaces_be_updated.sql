alter table operations
    drop constraint operations_kind_known,
    add constraint operations_kind_known check (kind in ('create', 'update', 'delete'));
alter table workspaces
    drop constraint workspaces_phase_known,
    add constraint workspaces_phase_known
        check (phase in ('pending', 'provisioning', 'ready', 'updating', 'deleting', 'deleted', 'failed'));

comment on column operations.kind is 'create: the plan first to last. update: its own plan, on a workspace that is there. delete: the plan of the create undone, last first.';
comment on column attempts.call is 'Which call: create_credentials, create_storage, create_network, create_workspace, update_workspace, create_service_principal, mint_token.';
