//! A connection that is read no further than to the end of a line until TLS begins.
//!
//! What a server, or somebody in between, sends behind its answer to STARTTLS must not count as said
//! under TLS (CVE-2011-0411 and its kin; RFC 3207, 6). lettre reads into a buffer that outlives the
//! change to TLS, so here the buffer is never given more than one line: the rest reaches the TLS
//! handshake, which it breaks.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What the first record of TLS begins with (RFC 8446, 5.1): no command does.
const HANDSHAKE: u8 = 22;

/// How much of a line is read at once.
const PIECE: usize = 1024;

/// A connection to a mail server.
#[derive(Debug)]
pub struct Lines {
    stream: TcpStream,
    is_encrypted: bool,
}

impl Lines {
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, is_encrypted: false }
    }
}

impl AsyncRead for Lines {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_encrypted || buffer.remaining() == 0 {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        let mut piece = [0; PIECE];
        let room = PIECE.min(buffer.remaining());
        let seen = ready!(this.stream.poll_peek(cx, &mut ReadBuf::new(&mut piece[..room])))?;
        let wanted = piece[..seen].iter().position(|byte| *byte == b'\n').map_or(seen, |end| end + 1);
        // Never nothing, for that would look like the end: at the end the read itself says so.
        let mut part = ReadBuf::new(&mut piece[..wanted.max(1)]);
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut part))?;
        buffer.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Lines {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.is_encrypted |= bytes.first() == Some(&HANDSHAKE);
        Pin::new(&mut this.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Lines {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
