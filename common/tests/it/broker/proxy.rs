//! A way to the server that can be made to hang, so that a test sees what a broken network
//! does to a call.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::sync::watch;

/// What becomes of bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Nothing passes, and nobody is told.
    Silent,
}

/// Where the server listens.
#[derive(Debug, Clone)]
pub enum Target {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

#[derive(Debug, Clone)]
pub struct Proxy {
    pub address: SocketAddr,
    way: Arc<watch::Sender<Way>>,
}

impl Proxy {
    /// A way to the server.
    pub fn to(target: Target) -> Self {
        Self::from(some_port(), target)
    }

    /// A way to the server from a port at which nobody has listened yet.
    pub fn from(port: TcpSocket, target: Target) -> Self {
        let listener = port.listen(64).expect("it listens");
        let address = listener.local_addr().expect("an address");
        let way = Arc::new(watch::Sender::new(Way::Open));
        let sender = Arc::clone(&way);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, target.clone(), sender.subscribe()));
            }
        });
        Self { address, way }
    }

    pub fn silence(&self) {
        self.way.send_replace(Way::Silent);
    }

    pub fn open(&self) {
        self.way.send_replace(Way::Open);
    }
}

/// A port that is taken and refuses whoever comes, until somebody listens there.
pub fn some_port() -> TcpSocket {
    let port = TcpSocket::new_v4().expect("a socket");
    port.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
    port
}

async fn pass(client: TcpStream, target: Target, way: watch::Receiver<Way>) {
    // While the server is down there is nobody to pass anything to, and the client is sent away.
    match target {
        Target::Unix(socket) => {
            let Ok(server) = UnixStream::connect(socket).await else { return };
            let (from, to) = server.into_split();
            between(client, from, to, way).await;
        }
        Target::Tcp(address) => {
            let Ok(server) = TcpStream::connect(address).await else { return };
            let (from, to) = server.into_split();
            between(client, from, to, way).await;
        }
    }
}

async fn between(
    client: TcpStream,
    mut from_server: impl AsyncRead + Unpin,
    mut to_server: impl AsyncWrite + Unpin,
    way: watch::Receiver<Way>,
) {
    let (mut from_client, mut to_client) = client.into_split();
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server, way.clone()) => {}
        _ = copy(&mut from_server, &mut to_client, way.clone()) => {}
    }
}

async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut way: watch::Receiver<Way>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        if way.wait_for(|way| *way != Way::Silent).await.is_err() {
            return Ok(());
        }
        to.write_all(&buffer[..read]).await?;
    }
}
