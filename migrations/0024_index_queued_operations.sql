create index operations_queued on operations (id) where status = 'queued';
