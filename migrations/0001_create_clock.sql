-- The only clock of the database. STABLE like now(): one value per statement. Tests replace its body by one with an
-- offset, so that time can be moved for leases, deadlines and run_at together.
create function clock() returns timestamptz
    language sql stable parallel safe
    as $$ select now() $$;
comment on function clock() is 'What time it is; used instead of now() everywhere. Tests replace it by one with an offset.';
