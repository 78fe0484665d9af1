alter table operations
    add column retry_of uuid references operations (id);

comment on column operations.retry_of is 'The failed operation whose work this one continues.';
