//! `POST /workspaces` and `GET /workspaces/{id}` beside the bare service, each on a database of its own.

use super::bare;
use super::load::{self, Requests, exchange, request};
use super::process::Process;
use super::table::{Table, median};
use super::world::World;
use brickyard::app::App;
use brickyard::dev::TEMPLATE;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Turns, each of one and then the other.
const TURNS: usize = 5;
const POSTS: usize = 2000;
const GETS: usize = 10_000;
/// Well below what either can do.
const POSTS_PER_SECOND: f64 = 150.0;
const GETS_PER_SECOND: f64 = 600.0;

pub(crate) async fn run(world: &World, table: &mut Table) {
    count(world, table).await;
    let (ours_url, bare_url) = (world.database("ours").await, world.database("bare").await);
    let app = world.app(&ours_url);
    let template = app.config.templates.find(TEMPLATE).unwrap().clone();
    let bare = bare::serve(world.app(&bare_url).db, template).await;
    // Logs as in production, one line of JSON for each request, but for the terminal.
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::sink)
        .with_max_level(tracing::Level::INFO)
        .init();
    let (ours, stop) = serve(app).await;
    let token = world.token();

    let (posts, bare_posts) = (our_posts(token.clone()), bare_posts());
    let mut rates = [Vec::new(), Vec::new()];
    let mut tails = [Vec::new(), Vec::new()];
    for turn in 0..TURNS {
        for (side, (address, requests)) in [(ours, &posts), (bare, &bare_posts)]
            .into_iter()
            .enumerate()
        {
            let from = turn * (POSTS + POSTS / 4);
            rates[side].push(load::flat_out(address, requests, from, POSTS).await);
            tails[side].push(
                load::paced(address, requests, from + POSTS, POSTS / 4, POSTS_PER_SECOND).await,
            );
        }
    }
    beside(table, "POST /workspaces", POSTS_PER_SECOND, rates, tails);

    let gets = our_gets(some_id(&ours_url).await, token);
    let bare_gets = our_gets(some_id(&bare_url).await, String::new());
    let mut rates = [Vec::new(), Vec::new()];
    let mut tails = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        for (side, (address, requests)) in
            [(ours, &gets), (bare, &bare_gets)].into_iter().enumerate()
        {
            rates[side].push(load::flat_out(address, requests, 0, GETS).await);
            tails[side].push(load::paced(address, requests, 0, GETS / 5, GETS_PER_SECOND).await);
        }
    }
    beside(table, "GET /workspaces/{id}", GETS_PER_SECOND, rates, tails);
    stop.cancel();
}

fn beside(table: &mut Table, what: &str, paced: f64, rates: [Vec<f64>; 2], tails: [Vec<f64>; 2]) {
    let how = format!("{} connections, flat out", load::CONNECTIONS);
    let [ours, bare] = rates.map(median);
    table.beside(what, &how, ours, bare, "/s");
    let [ours, bare] = tails.map(median);
    table.beside(
        what,
        &format!("p99 at {paced:.0} a second"),
        ours,
        bare,
        "ms",
    );
}

/// Statements and transactions of one request, counted at a process of its own.
async fn count(world: &World, table: &mut Table) {
    const TIMES: usize = 200;
    for (what, database) in [
        ("POST /workspaces", "count_post"),
        ("GET /workspaces/{id}", "count_get"),
    ] {
        let url = world.database(database).await;
        let process = Process::start(world, "serve", &url, "warn,sqlx::query=debug").await;
        let stream = TcpStream::connect(process.address).await.unwrap();
        let mut connection = BufReader::new(stream);
        let posts = our_posts(world.token());
        // The first brings keys and connections with it.
        exchange(&mut connection, &posts(0)).await;
        let requests = match database {
            "count_post" => posts,
            _ => our_gets(some_id(&url).await, world.token()),
        };
        let before = process.lines_with("sqlx::query");
        for number in 1..=TIMES {
            exchange(&mut connection, &requests(number)).await;
        }
        let statements = process.lines_with("sqlx::query") - before;
        drop(connection);
        process.stop().await;
        let transactions = world.transactions(&url).await;
        table.count(
            what,
            "statements each",
            statements as f64 / TIMES as f64,
            "",
        );
        table.count(
            what,
            "transactions each",
            transactions as f64 / TIMES as f64,
            "",
        );
    }
}

async fn serve(app: App) -> (SocketAddr, CancellationToken) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let stopping = stop.clone();
    tokio::spawn(async move { app.serve(listener, stopping).await });
    (address, stop)
}

fn our_posts(token: String) -> Requests {
    Arc::new(move |number| {
        let body = json!({"name": format!("bench-{number}"), "template": TEMPLATE}).to_string();
        request("POST", "/workspaces", &token, &body)
    })
}

fn bare_posts() -> Requests {
    Arc::new(|number| request("POST", "/workspaces", "", &format!("bench-{number}")))
}

fn our_gets(id: String, token: String) -> Requests {
    let bytes = request("GET", &format!("/workspaces/{id}"), &token, "");
    Arc::new(move |_| bytes.clone())
}

async fn some_id(database_url: &str) -> String {
    let db = sqlx::PgPool::connect(database_url).await.unwrap();
    let id: uuid::Uuid = sqlx::query_scalar("select id from workspaces order by id limit 1")
        .fetch_one(&db)
        .await
        .unwrap();
    db.close().await;
    brickyard::domain::id::WorkspaceId::from_uuid(id).to_string()
}
