//! The listening socket. Its connections can be cut: before an answer, or in the middle of one.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const WHOLE: u8 = 0;
const HALF: u8 = 1;
const CUT: u8 = 2;

/// Cuts the connection a request came in on.
#[derive(Clone, Debug)]
pub(crate) struct Knife(Arc<AtomicU8>);

impl Knife {
    /// Nothing more is written: the client sees the connection close without an answer.
    pub(crate) fn cut(&self) {
        self.0.store(CUT, Ordering::SeqCst);
    }

    /// Of the next answer, the head and half of the body are written.
    pub(crate) fn halve(&self) {
        self.0.store(HALF, Ordering::SeqCst);
    }
}

/// One accepted connection.
pub(crate) struct Wire {
    stream: TcpStream,
    knife: Knife,
}

/// Accepts connections that can be cut.
pub(crate) struct Wires(pub(crate) TcpListener);

impl Listener for Wires {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            match self.0.accept().await {
                Ok((stream, from)) => {
                    // Small answers at once; a failure only costs time.
                    let _ = stream.set_nodelay(true);
                    let knife = Knife(Arc::new(AtomicU8::new(WHOLE)));
                    return (Wire { stream, knife }, from);
                }
                // Out of file descriptors, or the peer has gone: neither ends the server.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Wires>> for Knife {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Knife {
        stream.io().knife.clone()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let keep = match self.knife.0.load(Ordering::SeqCst) {
            CUT => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            HALF => {
                // Head and body come in one piece: answers are small and writes are not vectored.
                let head = buf
                    .windows(4)
                    .position(|w| w == b"\r\n\r\n")
                    .map_or(0, |at| at + 4);
                head + (buf.len() - head) / 2
            }
            _ => return Pin::new(&mut self.stream).poll_write(cx, buf),
        };
        let written = Pin::new(&mut self.stream).poll_write(cx, &buf[..keep.max(1)]);
        if written.is_ready() {
            self.knife.cut();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
