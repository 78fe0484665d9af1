//! Replicas that only work, and their database as seen from beside.

use super::process::Process;
use super::world::World;
use brickyard::domain::id::OperationId;
use sqlx::{AssertSqlSafe, PgPool};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// One workspace waits for Databricks to build it.
pub(crate) const ONE_WAITS: &str = "select exists (
    select from workspaces w join jobs j on j.kind = 'operation' and j.lease_owner is null
     where w.workspace_status = 'PROVISIONING')";

/// Every job that was due, or was held by a process that began before this, has been looked at.
pub(crate) fn nothing_is_overdue(since: Uuid) -> String {
    format!(
        "select not exists (select from jobs
                             where lease_owner is null and run_at < clock() - interval '1 second'
                                or lease_owner < '{since}')"
    )
}

/// Notes which rows begin to say RUNNING: who reads the note sees the row committed.
const NOTES: &str = "
    create table news (id bigint not null);
    create function note() returns trigger language plpgsql as $$
        begin
            insert into news values ((new.external -> 'workspace' ->> 'id')::bigint);
            return null;
        end $$;
    create trigger note after update of workspace_status on workspaces for each row
      when (new.workspace_status = 'RUNNING' and old.workspace_status is distinct from 'RUNNING')
   execute function note()";

/// Copies the rows of the one workspace there is. All are at the age from which any moment may be the last of their
/// building, and their jobs are due by and by, the last when the first's is.
const COPIES: &str = "
    with copies as (
        select * from unnest($1::bigint[], $2::text[], $3::uuid[], $4::uuid[], $5::text[])
                   as copy (external_id, deployment_name, workspace, operation, key)),
      made as (
        insert into workspaces
        select (jsonb_populate_record(w, jsonb_build_object(
                   'id', c.workspace, 'name', c.deployment_name,
                   'last_operation', c.operation, 'active_operation', c.operation,
                   'external', jsonb_set(w.external, '{workspace}', (w.external -> 'workspace') || jsonb_build_object(
                       'id', c.external_id, 'deployment_name', c.deployment_name,
                       'url', replace(w.external -> 'workspace' ->> 'url',
                                      w.external -> 'workspace' ->> 'deployment_name', c.deployment_name)))))).*
          from workspaces w, copies c),
      begun as (
        insert into operations
        select (jsonb_populate_record(o, jsonb_build_object(
                   'id', c.operation, 'workspace_id', c.workspace,
                   'steps', jsonb_set(o.steps, array[o.position::text, 'started_at'],
                                      to_jsonb(clock() - interval '200 seconds'))))).*
          from operations o, copies c)
    insert into jobs
    select (jsonb_populate_record(j, jsonb_build_object(
               'id', gen_random_uuid(), 'key', c.key, 'run_at', clock() + random() * (j.run_at - clock())))).*
      from jobs j, copies c
     where j.kind = 'operation'";

/// A database that holds workspaces in flight.
pub(crate) struct Fleet<'a> {
    world: &'a World,
    pub(crate) url: String,
    db: PgPool,
}

impl<'a> Fleet<'a> {
    pub(crate) async fn new(world: &'a World, url: String) -> Self {
        let db = PgPool::connect(&url).await.unwrap();
        sqlx::raw_sql(NOTES).execute(&db).await.unwrap();
        Self { world, url, db }
    }

    /// Starts `brickyard work` so many times, at the same time.
    pub(crate) async fn start(&self, number: usize) -> Vec<Process> {
        let start = |_| Process::start(self.world, "work", &self.url, "warn");
        futures_util::future::join_all((0..number).map(start)).await
    }

    /// Copies the one workspace there is, outside and in the rows.
    pub(crate) async fn multiply(&self, times: usize) {
        let copies = self.world.simulator.copy_newest_workspace(times);
        let (ids, names): (Vec<i64>, Vec<String>) = copies.into_iter().unzip();
        let uuids = || (0..times).map(|_| Uuid::now_v7()).collect::<Vec<_>>();
        let (workspaces, operations) = (uuids(), uuids());
        let key = |id: &Uuid| OperationId::from_uuid(*id).to_string();
        let keys: Vec<String> = operations.iter().map(key).collect();
        sqlx::query(COPIES)
            .bind(ids)
            .bind(names)
            .bind(workspaces)
            .bind(operations)
            .bind(keys)
            .execute(&self.db)
            .await
            .unwrap();
        sqlx::raw_sql("analyze").execute(&self.db).await.unwrap();
    }

    /// Waits until something is so; when it was.
    pub(crate) async fn until(&self, patience: Duration, is_so: &str) -> Instant {
        let until = Instant::now() + patience;
        loop {
            let so: bool = sqlx::query_scalar(AssertSqlSafe(is_so))
                .fetch_one(&self.db)
                .await
                .unwrap();
            if so {
                return Instant::now();
            }
            assert!(Instant::now() < until, "still not so: {is_so}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Databricks' ids of the rows that say RUNNING since the last call.
    pub(crate) async fn news(&self) -> Vec<i64> {
        sqlx::query_scalar("delete from news returning id")
            .fetch_all(&self.db)
            .await
            .unwrap()
    }

    /// How many are past waiting for it.
    pub(crate) async fn passed(&self) -> i64 {
        let statement =
            "select count(*) from operations where plan[position + 1] <> 'await_running'";
        sqlx::query_scalar(statement)
            .fetch_one(&self.db)
            .await
            .unwrap()
    }

    /// Transactions of this database so far, as its server counts them.
    pub(crate) async fn transactions(&self) -> i64 {
        sqlx::query_scalar(
            "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()",
        )
        .fetch_one(&self.db)
        .await
        .unwrap()
    }
}
