//! The name server, UDP and TCP.

use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use simulator::{Fault, FaultKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::support::Lab;

fn question(name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message.to_vec().unwrap()
}

async fn ask(lab: &Lab, name: &str, kind: RecordType) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket
        .send_to(&question(name, kind), lab.simulator.world().dns)
        .await
        .unwrap();
    let mut buffer = [0; 1024];
    let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
    Message::from_vec(&buffer[..length]).unwrap()
}

#[tokio::test]
async fn a_name_resolves_once_the_workspace_runs() {
    let lab = Lab::new().await;
    let (_, deployment) = lab.workspace("team").await;
    let name = format!("{deployment}.whatever.zone.test.");
    let early = ask(&lab, &name, RecordType::A).await;
    assert_eq!(early.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(early.authorities[0].ttl, 0);
    lab.simulator.advance(Duration::from_secs(480));
    let now = ask(&lab, &name, RecordType::A).await;
    assert_eq!(now.metadata.response_code, ResponseCode::NoError);
    assert_eq!((now.answers.len(), now.answers[0].ttl), (1, 0));
    let six = ask(&lab, &name, RecordType::AAAA).await;
    assert_eq!(
        (six.metadata.response_code, six.answers.len()),
        (ResponseCode::NoError, 0)
    );

    let mut stream = TcpStream::connect(lab.simulator.world().dns).await.unwrap();
    let bytes = question(&name, RecordType::A);
    stream.write_u16(bytes.len() as u16).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    let length = stream.read_u16().await.unwrap();
    let mut reply = vec![0; usize::from(length)];
    stream.read_exact(&mut reply).await.unwrap();
    assert_eq!(Message::from_vec(&reply).unwrap().answers.len(), 1);
    let unknown = ask(&lab, "dbc-none.zone.test.", RecordType::A).await;
    assert_eq!(unknown.metadata.response_code, ResponseCode::NXDomain);
}

#[tokio::test]
async fn azures_own_names_always_resolve_a_workspaces_once_it_runs() {
    let lab = Lab::new().await;
    for name in [
        "login.azure",
        "management.azure",
        "kv-brickyard.vault.azure",
    ] {
        let name = format!("{name}.brickyard.test.");
        assert_eq!(ask(&lab, &name, RecordType::A).await.answers.len(), 1);
    }
    for name in ["kv-other.vault.azure", "adb-1.2.azuredatabricks"] {
        let name = format!("{name}.brickyard.test.");
        let unknown = ask(&lab, &name, RecordType::A).await;
        assert_eq!(unknown.metadata.response_code, ResponseCode::NXDomain);
    }
}

#[tokio::test]
async fn a_late_name_comes_later() {
    let lab = Lab::new().await;
    lab.simulator.fault(
        Fault::new(FaultKind::DnsLate)
            .workspace("late")
            .seconds(200.0),
    );
    let (_, deployment) = lab.workspace("late-one").await;
    let name = format!("{deployment}.zone.test.");
    lab.simulator.advance(Duration::from_secs(480));
    // It has run for at most 180 seconds.
    assert_eq!(ask(&lab, &name, RecordType::A).await.answers.len(), 0);
    lab.simulator.advance(Duration::from_secs(200));
    assert_eq!(ask(&lab, &name, RecordType::A).await.answers.len(), 1);
}
