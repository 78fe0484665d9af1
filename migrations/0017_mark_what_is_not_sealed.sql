-- A row is sealed when it can be seen, so it does not matter in which order transactions commit, and no row is missed
-- that was numbered early and committed late. Transaction ids would tell that too, but they begin anew when a dump is
-- restored elsewhere, and one long transaction of a neighbour would hold all sealing back.
create table unsealed (
    seq bigint primary key
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

comment on table unsealed is 'Audit rows that no seal covers yet. A row that stands neither here nor in seals was put past the trigger.';
comment on column unsealed.seq is 'The audit row.';

-- A trigger and not the service, so that the version before marks its rows too.
create function audit_begins_unsealed() returns trigger language plpgsql as $$
begin
    insert into unsealed (seq) values (new.seq);
    return null;
end $$;
comment on function audit_begins_unsealed() is 'Marks a new audit row as not sealed.';

create trigger audit_begins_unsealed after insert on audit
    for each row execute function audit_begins_unsealed();

-- What was there before. The trigger's lock has waited for everybody who was inserting.
insert into unsealed (seq) select seq from audit;
