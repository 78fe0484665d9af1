//! The listening sockets, plain and TLS. Their connections can be cut: before an answer, or in the middle of one.

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
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

const WHOLE: u8 = 0;
const HALF: u8 = 1;
const CUT: u8 = 2;

/// Cuts the connection a request came in on.
#[derive(Clone, Debug)]
pub(crate) struct Knife {
    state: Arc<AtomicU8>,
    /// Whether the connection is TLS.
    pub(crate) secure: bool,
}

impl Knife {
    /// Nothing more is written: the client sees the connection close without an answer.
    pub(crate) fn cut(&self) {
        self.state.store(CUT, Ordering::SeqCst);
    }

    /// Of the next answer, the head and half of the body are written.
    pub(crate) fn halve(&self) {
        self.state.store(HALF, Ordering::SeqCst);
    }
}

/// What both kinds of connections can do.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One accepted connection. The knife is above TLS: it counts what hyper writes, and what follows a cut is no goodbye.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    knife: Knife,
}

impl Wire {
    fn new(stream: impl Stream + 'static, secure: bool) -> Wire {
        let state = Arc::new(AtomicU8::new(WHOLE));
        Wire {
            stream: Box::new(stream),
            knife: Knife { state, secure },
        }
    }
}

/// Accepts connections that can be cut.
pub(crate) enum Wires {
    Plain(TcpListener),
    /// Handshakes are made apart, so that a slow one holds up nobody.
    Secure {
        made: mpsc::Receiver<(Wire, SocketAddr)>,
        at: SocketAddr,
    },
}

impl Wires {
    pub(crate) fn plain(listener: TcpListener) -> Wires {
        Wires::Plain(listener)
    }

    pub(crate) fn secure(listener: TcpListener, acceptor: TlsAcceptor) -> io::Result<Wires> {
        let at = listener.local_addr()?;
        let (make, made) = mpsc::channel(64);
        tokio::spawn(async move {
            loop {
                let (stream, from) = accept(&listener).await;
                let (acceptor, make) = (acceptor.clone(), make.clone());
                tokio::spawn(async move {
                    // Who does not speak TLS is not answered.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = make.send((Wire::new(stream, true), from)).await;
                    }
                });
            }
        });
        Ok(Wires::Secure { made, at })
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                // Small answers at once; a failure only costs time.
                let _ = stream.set_nodelay(true);
                return (stream, from);
            }
            // Out of file descriptors, or the peer has gone: neither ends the server.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

impl Listener for Wires {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        match self {
            Wires::Plain(listener) => {
                let (stream, from) = accept(listener).await;
                (Wire::new(stream, false), from)
            }
            Wires::Secure { made, .. } => match made.recv().await {
                Some(wire) => wire,
                // The accepting task ends only with the runtime.
                None => std::future::pending().await,
            },
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Wires::Plain(listener) => listener.local_addr(),
            Wires::Secure { at, .. } => Ok(*at),
        }
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
        let keep = match self.knife.state.load(Ordering::SeqCst) {
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
