//! What every stand-in needs: calls that are read whole and kept, answers in the order of a script, and connections that break.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

/// The largest body that is read, in bytes.
const LARGEST: usize = 200 * 1024 * 1024;

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// The path, without the query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Call {
    /// A header, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether the body is of this media type.
    #[must_use]
    pub fn is_of(&self, content_type: &str) -> bool {
        self.header("content-type").split(';').next().unwrap_or_default().trim() == content_type
    }

    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as a form.
    #[must_use]
    pub fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The token of `Authorization: Bearer` (RFC 6750, 2.1).
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization").strip_prefix("Bearer ")
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Reply {
    /// JSON with a status.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body: body.to_string() }
    }

    /// A status with no words.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// How a platform answers when nothing else was said.
pub trait Behaviour: Send + 'static {
    /// Does what the call asks, and answers.
    fn answer(&mut self, call: &Call) -> Reply;
}

/// What happens to the next call of a path.
#[derive(Debug)]
enum Turn {
    /// This is answered, and nothing is done.
    Answer(Reply),
    /// The connection breaks, and nothing is done.
    Lose,
    /// All is done, and then the connection breaks.
    LoseAnswer,
    /// It is answered as usual, once the other end says so or is gone.
    Wait(oneshot::Receiver<()>),
}

/// A running platform.
#[derive(Debug)]
pub struct Platform<B> {
    address: SocketAddr,
    shared: Arc<Shared<B>>,
}

#[derive(Debug)]
struct Shared<B> {
    behaviour: Mutex<B>,
    script: Mutex<VecDeque<(String, Turn)>>,
    calls: watch::Sender<Vec<Call>>,
    connections: watch::Sender<usize>,
}

impl<B: Behaviour> Platform<B> {
    /// Starts one.
    ///
    /// # Panics
    /// When there is no port, or no runtime.
    pub async fn start(behaviour: B) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            script: Mutex::default(),
            calls: watch::Sender::default(),
            connections: watch::Sender::default(),
        });
        let router = Router::new().fallback(serve::<B>).with_state(Arc::clone(&shared));
        let listener = Cuttable { listener, connections: shared.connections.clone() };
        let service = router.into_make_service_with_connect_info::<Cut>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { address, shared }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it knows and was told.
    pub fn state(&self) -> MutexGuard<'_, B> {
        self.shared.behaviour.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next call whose path ends so is answered with this, and nothing is done.
    pub fn answer_next(&self, path: &str, reply: Reply) {
        self.turn(path, Turn::Answer(reply));
    }

    /// At the next call whose path ends so the connection breaks before anything was done.
    pub fn lose_next(&self, path: &str) {
        self.turn(path, Turn::Lose);
    }

    /// The next call whose path ends so is done, and then the connection breaks.
    pub fn lose_answer_to_next(&self, path: &str) {
        self.turn(path, Turn::LoseAnswer);
    }

    /// The next call whose path ends so waits until the sender is used or dropped.
    #[must_use]
    pub fn keep_next_waiting(&self, path: &str) -> oneshot::Sender<()> {
        let (go_on, wait) = oneshot::channel();
        self.turn(path, Turn::Wait(wait));
        go_on
    }

    /// All calls so far, whatever was answered.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.borrow().clone()
    }

    /// How many connections were made.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    /// Waits until there were so many calls.
    ///
    /// # Panics
    /// Never, as long as it runs.
    pub async fn wait_for_calls(&self, count: usize) -> Vec<Call> {
        self.shared.calls.subscribe().wait_for(|calls| calls.len() >= count).await.expect("it runs").clone()
    }

    fn turn(&self, path: &str, turn: Turn) {
        self.shared.script.lock().unwrap_or_else(PoisonError::into_inner).push_back((path.to_owned(), turn));
    }
}

impl<B: Behaviour> Shared<B> {
    fn take_turn(&self, path: &str) -> Option<Turn> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let at = script.iter().position(|(end, _)| path.ends_with(end.as_str()))?;
        script.remove(at).map(|(_, turn)| turn)
    }

    fn act(&self, call: &Call) -> Reply {
        self.behaviour.lock().unwrap_or_else(PoisonError::into_inner).answer(call)
    }
}

async fn serve<B: Behaviour>(State(shared): State<Arc<Shared<B>>>, ConnectInfo(cut): ConnectInfo<Cut>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST).await.unwrap_or_default().to_vec();
    let call = Call { path: parts.uri.path().to_owned(), headers: parts.headers, body };
    let turn = shared.take_turn(&call.path);
    let reply = match turn {
        None => shared.act(&call),
        Some(Turn::Answer(reply)) => reply,
        Some(Turn::Lose) => {
            cut.0.store(true, Ordering::Relaxed);
            Reply::status(500)
        }
        Some(Turn::LoseAnswer) => {
            cut.0.store(true, Ordering::Relaxed);
            shared.act(&call)
        }
        Some(Turn::Wait(wait)) => {
            shared.calls.send_modify(|calls| calls.push(call.clone()));
            // An error means that the test let go of the other end, which means the same.
            let _ = wait.await;
            return respond(shared.act(&call));
        }
    };
    shared.calls.send_modify(|calls| calls.push(call));
    respond(reply)
}

fn respond(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).expect("a status");
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().expect("a value"));
    }
    response
}

/// Says that a connection is to break with the next that is written on it.
#[derive(Debug, Clone, Default)]
struct Cut(Arc<AtomicBool>);

struct Cuttable {
    listener: TcpListener,
    connections: watch::Sender<usize>,
}

struct Wire {
    stream: TcpStream,
    cut: Cut,
}

impl Listener for Cuttable {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        self.connections.send_modify(|count| *count += 1);
        (Wire { stream, cut: Cut::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Cuttable>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Cuttable>) -> Self {
        stream.io().cut.clone()
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.cut.0.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
