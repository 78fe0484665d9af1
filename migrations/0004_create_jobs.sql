create table jobs (
    id               uuid primary key,
    kind             text not null,
    key              text not null,
    run_at           timestamptz not null default clock(),
    woken            boolean not null default false,
    claims           integer not null default 0,
    attempts         integer not null default 0,
    lease_owner      uuid,
    lease_epoch      bigint not null default 0,
    lease_expires_at timestamptz,
    created_at       timestamptz not null default clock(),
    constraint jobs_one_per_key unique (kind, key)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index jobs_due on jobs (run_at, id) where lease_owner is null;
create index jobs_leased on jobs (lease_owner) where lease_owner is not null;

comment on table jobs is 'When somebody looks at what next. Knows nothing of workspaces; finished jobs are deleted.';
comment on column jobs.id is 'UUIDv7.';
comment on column jobs.kind is 'Which handler runs it.';
comment on column jobs.key is 'What it is about, in the handler''s words; at most one job per kind and key.';
comment on column jobs.run_at is 'Not before.';
comment on column jobs.woken is 'Set by a wake while the job was leased: the next release makes it due at once, so no wake is lost.';
comment on column jobs.claims is 'Times it was acquired since its last checkpoint; counts what kills its process.';
comment on column jobs.attempts is 'Tries that failed and counted since the last progress; waiting does not count.';
comment on column jobs.lease_owner is 'The process that holds it; null when available.';
comment on column jobs.lease_epoch is 'Fencing number: rises with every acquire, never falls. Every write under the lease names it.';
comment on column jobs.lease_expires_at is 'After this, acquire may take it from its owner.';
comment on column jobs.created_at is 'When it was enqueued.';

create table processes (
    id      uuid primary key,
    seen_at timestamptz not null default clock()
);
comment on table processes is 'Processes that work; a rate limit is divided by the number seen lately.';
comment on column processes.id is 'Made anew at each start.';
comment on column processes.seen_at is 'Moved every few seconds.';
