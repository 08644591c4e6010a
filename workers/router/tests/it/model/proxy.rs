//! A line to the database that is cut at a chosen statement: before the server has it, or before it has answered.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// Where the line is cut next, and by what it is reached.
#[derive(Debug, Clone)]
pub struct Line {
    /// How many statements go through before it is cut; negative: all do. It is cut before the statement is sent or
    /// before its answer is heard, as it happens.
    left: Arc<AtomicI64>,
    pub pool: PgPool,
}

impl Line {
    /// A line to the database of `pool`.
    pub async fn new(pool: &PgPool) -> Self {
        let to = pool.connect_options().as_ref().clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let left = Arc::new(AtomicI64::new(-1));
        let database = to.get_database().expect("a database");
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).username(to.get_username()).database(database);
        let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(options.ssl_mode(PgSslMode::Disable));
        tokio::spawn(accept(listener, to, Arc::clone(&left)));
        Self { left, pool }
    }

    /// Cuts the line at the statement after so many.
    pub fn cut_after(&self, statements: i64) {
        self.left.store(statements, Ordering::SeqCst);
    }

    /// Does not cut the line any more, if it was not cut yet.
    pub fn spare(&self) {
        self.left.store(-1, Ordering::SeqCst);
    }
}

async fn accept(listener: TcpListener, to: PgConnectOptions, left: Arc<AtomicI64>) {
    while let Ok((near, _)) = listener.accept().await {
        let (to, left) = (to.clone(), Arc::clone(&left));
        near.set_nodelay(true).expect("set");
        tokio::spawn(async move {
            if let Some(folder) =
                to.get_socket().map(std::path::PathBuf::as_path).or(Some(Path::new(to.get_host())).filter(|host| host.is_absolute()))
            {
                let socket = folder.join(format!(".s.PGSQL.{}", to.get_port()));
                carry(near, UnixStream::connect(socket).await.expect("the database"), &left).await;
            } else {
                let far = TcpStream::connect((to.get_host(), to.get_port())).await.expect("the database");
                far.set_nodelay(true).expect("set");
                carry(near, far, &left).await;
            }
        });
    }
}

/// Carries both ways until one side ends or the line is cut.
async fn carry(near: TcpStream, far: impl AsyncRead + AsyncWrite, left: &AtomicI64) {
    let (mut from_near, mut to_near) = near.into_split();
    let (mut from_far, mut to_far) = tokio::io::split(far);
    tokio::select! {
        _ = statements(&mut from_near, &mut to_far, left) => {}
        _ = tokio::io::copy(&mut from_far, &mut to_near) => {}
    }
}

/// Carries what the client says, message by message (PostgreSQL's protocol, 3.0), until the line is cut.
async fn statements(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), left: &AtomicI64) -> std::io::Result<()> {
    // The start-up message alone has no kind before its length.
    let start = message(from, Vec::new()).await?;
    to.write_all(&start).await?;
    for number in 0_u32.. {
        let kind = from.read_u8().await?;
        let message = message(from, vec![kind]).await?;
        let cut = if matches!(kind, b'S' | b'Q') { left.fetch_sub(1, Ordering::SeqCst) } else { -1 };
        if cut == 0 && number % 2 == 0 {
            break;
        }
        to.write_all(&message).await?;
        if cut == 0 {
            break;
        }
    }
    Ok(())
}

/// Reads a message behind what stands before its length.
async fn message(from: &mut (impl AsyncRead + Unpin), mut head: Vec<u8>) -> std::io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    head.extend(length.to_be_bytes());
    let start = head.len();
    head.resize(start + length as usize - 4, 0);
    from.read_exact(&mut head[start..]).await?;
    Ok(head)
}
