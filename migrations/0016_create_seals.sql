create table seals (
    position  bigint primary key constraint seals_count_from_one check (position > 0),
    seq       bigint not null constraint seals_one_per_row unique,
    hash      bytea not null constraint seals_hash_is_sha256 check (length(hash) = 32),
    sealed_at timestamptz not null
);
create trigger seals_are_append_only before update or delete or truncate on seals
    for each statement execute function audit_is_append_only();

comment on table seals is 'The hash chain over the audit, append-only: one row per sealed audit row. Who changes a row has to change every seal after it.';
comment on column seals.position is 'Place in the chain, counted from 1 without gaps. Being unique it keeps the chain from forking.';
comment on column seals.seq is 'The audit row. Not in its order: rows commit in another order than they are numbered.';
comment on column seals.hash is 'SHA-256 over the hash before it, the row and sealed_at, in the form of domain::seal.';
comment on column seals.sealed_at is 'When.';
