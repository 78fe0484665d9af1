//! The name server of the workspace zone, UDP and TCP on one loopback port.
//!
//! The first label decides, whatever the zone (an Azure workspace's first two; Azure's own names always resolve): a deployment that runs (and is not late) has one A
//! record, 127.0.0.1, and nothing else; any other name does not exist. Nothing may be cached.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::azure;
use crate::calls::Call;
use crate::faults::FaultKind;
use crate::server::Core;

/// Both sockets of the name server.
pub(crate) struct Sockets {
    udp: UdpSocket,
    tcp: TcpListener,
}

impl Sockets {
    /// Binds this address for both protocols; port 0 is one that is free for both.
    pub(crate) async fn bind(wanted: SocketAddr) -> io::Result<(Sockets, SocketAddr)> {
        let mut tries = 0;
        loop {
            let tcp = TcpListener::bind(wanted).await?;
            let address = tcp.local_addr()?;
            match UdpSocket::bind(address).await {
                Ok(udp) => return Ok((Sockets { udp, tcp }, address)),
                Err(error) if tries == 20 || wanted.port() != 0 => return Err(error),
                Err(_) => tries += 1,
            }
        }
    }
}

/// Answers until the task ends.
pub(crate) async fn serve(core: Arc<Core>, sockets: Sockets) {
    tokio::join!(
        serve_udp(core.clone(), sockets.udp),
        serve_tcp(core, sockets.tcp)
    );
}

async fn serve_udp(core: Arc<Core>, socket: UdpSocket) {
    let mut buffer = vec![0; 4096];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        if let Some(reply) = reply(&core, &buffer[..length]) {
            // A client that has gone is not waited for.
            let _ = socket.send_to(&reply, from).await;
        }
    }
}

async fn serve_tcp(core: Arc<Core>, listener: TcpListener) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let core = core.clone();
            tokio::spawn(async move {
                // The end of the connection is an error like any other.
                let _ = converse(&core, stream).await;
            });
        }
    }
}

async fn converse(core: &Core, mut stream: TcpStream) -> io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut question = vec![0; usize::from(length)];
        stream.read_exact(&mut question).await?;
        let Some(reply) = reply(core, &question) else {
            return Ok(());
        };
        let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
        stream.write_u16(length).await?;
        stream.write_all(&reply).await?;
    }
}

/// The reply to one message; none to what is not a question, or when a fault swallows it.
fn reply(core: &Core, message: &[u8]) -> Option<Vec<u8>> {
    let question = Message::from_vec(message).ok()?;
    if question.metadata.message_type != MessageType::Query {
        return None;
    }
    let query = question.queries.first()?.clone();
    let name = query.name().clone();
    let labels: Vec<String> = name
        .iter()
        .map(|l| String::from_utf8_lossy(l).to_ascii_lowercase())
        .collect();
    let whole = labels.join(".");
    let label = azure::deployment(&whole).or(labels.first().map(String::as_str));
    let label = label.unwrap_or_default().to_owned();

    let mut state = core.state();
    let workspace = state.workspace_at(&label);
    let subject = workspace.map(|w| w.name.clone());
    let resolves = label == "accounts"
        || azure::host(&whole).is_some()
        || workspace.is_some_and(|w| w.resolves(state.now()));
    let subjects: Vec<String> = subject.iter().cloned().chain([label]).collect();
    let now = state.now();
    let strike = state.faults.strike(Call::Dns, &subjects, now, true);
    let strike = strike.or_else(|| state.faults.strike(Call::Dns, &subjects, now, false));
    let fault = strike.as_ref().map(|s| s.kind());
    core.log(
        &mut state,
        Call::Dns,
        (subject, None),
        query.query_type().to_string(),
        name.to_string(),
        fault,
    );
    drop(state);

    let mut reply = Message::response(question.metadata.id, question.metadata.op_code);
    reply.metadata.authoritative = true;
    reply.metadata.recursion_desired = question.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    reply.add_query(query.clone());
    let code = match fault {
        None => ResponseCode::NoError,
        Some(FaultKind::NotFound | FaultKind::DnsLate) => ResponseCode::NXDomain,
        Some(
            FaultKind::RequestLost
            | FaultKind::AnswerLost
            | FaultKind::HoldRequest
            | FaultKind::HoldAnswer,
        ) => return None,
        Some(_) => ResponseCode::ServFail,
    };
    if code == ResponseCode::ServFail {
        reply.metadata.response_code = code;
        return reply.to_vec().ok();
    }
    let exists = resolves && code == ResponseCode::NoError;
    if exists && matches!(query.query_type(), RecordType::A | RecordType::ANY) {
        reply.add_answer(Record::from_rdata(
            name,
            0,
            RData::A(A(Ipv4Addr::LOCALHOST)),
        ));
    } else {
        reply.metadata.response_code = if exists {
            ResponseCode::NoError
        } else {
            ResponseCode::NXDomain
        };
        let zone = name.base_name();
        let soa = SOA::new(zone.clone(), Name::root(), 1, 1, 1, 1, 0);
        reply.add_authority(Record::from_rdata(zone, 0, RData::SOA(soa)));
    }
    reply.to_vec().ok()
}
