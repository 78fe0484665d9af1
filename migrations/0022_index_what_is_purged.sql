create index idempotency_keys_by_age on idempotency_keys (created_at);
create index idempotency_keys_by_operation on idempotency_keys (operation_id);
create index workspaces_by_deletion on workspaces (deleted_at) where phase = 'deleted';
create index operations_by_end on operations (finished_at) where finished_at is not null;
-- The foreign key looks here whenever an operation is deleted.
create index operations_by_retried on operations (retry_of) where retry_of is not null;
