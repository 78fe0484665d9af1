create table idempotency_keys (
    principal    text not null,
    route        text not null,
    key          text not null,
    fingerprint  bytea not null,
    operation_id uuid not null,
    created_at   timestamptz not null default clock(),
    constraint idempotency_keys_scope primary key (principal, route, key)
);

comment on table idempotency_keys is 'Accepted requests by their Idempotency-Key, written in the accepting transaction and kept 7 days. A refused request leaves no row.';
comment on column idempotency_keys.principal is 'Who asked.';
comment on column idempotency_keys.route is 'Method and path.';
comment on column idempotency_keys.key is 'The header''s value.';
comment on column idempotency_keys.fingerprint is 'SHA-256 of the canonical body and the query.';
comment on column idempotency_keys.operation_id is 'The operation it was answered with.';
comment on column idempotency_keys.created_at is 'When it was accepted.';
