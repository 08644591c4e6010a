//! A mail server that does what a test tells it to: takes mail, refuses it at any stage, keeps its
//! client waiting, or hangs up.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};

use mail_parser::MessageParser;
use mailin::{Action, Handler, Response, SessionBuilder, response};
use switchboard_notifier::Transport;
use switchboard_notifier::channels::email::Usage;
use tokio::sync::watch;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Connect,
    Mail,
    Rcpt,
    Data,
    /// The first line of a mail has come, after DATA was answered with 354.
    Body,
    Content,
}

/// What the server does at a stage instead of going along.
#[derive(Debug)]
pub enum Trouble {
    /// Answers with this code.
    Refuse(u16),
    /// Answers with this code and text.
    RefuseWith(u16, &'static str),
    /// The same, once.
    RefuseOnce(u16),
    /// Closes the connection without an answer.
    HangUp,
    /// Answers as usual, once the other end of the channel says so or is gone.
    Wait(mpsc::Receiver<()>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub to: String,
    pub message_id: String,
}

#[derive(Default)]
struct State {
    trouble: Option<(Stage, Trouble)>,
    connections: usize,
    streams: Vec<TcpStream>,
}

/// A running server; it ends with the test.
pub struct SmtpServer {
    pub transport: Transport,
    state: Arc<Mutex<State>>,
    /// The mails whose content has come, whatever was answered.
    come: watch::Receiver<Vec<Taken>>,
    /// Those to which the answer was written.
    answered: watch::Receiver<usize>,
}

impl SmtpServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State::default()));
        let come = Arc::new(watch::Sender::default());
        let answered = Arc::new(watch::Sender::default());
        let server = Self {
            transport: Transport::smtp(&format!("smtp://127.0.0.1:{port}").into(), None, Usage::default()).expect("a URL"),
            state: Arc::clone(&state),
            come: come.subscribe(),
            answered: answered.subscribe(),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let session = Session { state: Arc::clone(&state), come: Arc::clone(&come), answered: Arc::clone(&answered) };
                // A client that goes away ends its session with an error, which is as it should be.
                std::thread::spawn(move || {
                    let ended = stream.try_clone().and_then(|own| session.serve(own));
                    // A handle is kept for `hang_up_on_all`, so that letting go of this one is not enough.
                    ended.and_then(|()| stream.shutdown(Shutdown::Both))
                });
            }
        });
        server
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// From now on, makes trouble at this stage.
    pub fn refuse(&self, stage: Stage, code: u16) {
        self.state().trouble = Some((stage, Trouble::Refuse(code)));
    }

    /// From now on, makes trouble at this stage, and says why.
    pub fn refuse_with(&self, stage: Stage, code: u16, text: &'static str) {
        self.state().trouble = Some((stage, Trouble::RefuseWith(code, text)));
    }

    /// Hangs up on everybody who is connected, as servers do with those that say nothing for long.
    pub fn hang_up_on_all(&self) {
        for stream in self.state().streams.drain(..) {
            // The other side may have gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Answers the next one who comes to this stage with this code.
    pub fn refuse_once(&self, stage: Stage, code: u16) {
        self.state().trouble = Some((stage, Trouble::RefuseOnce(code)));
    }

    /// Hangs up on the next one who comes to this stage.
    pub fn hang_up(&self, stage: Stage) {
        self.state().trouble = Some((stage, Trouble::HangUp));
    }

    /// Lets the next one who comes to this stage wait for the answer until the sender is used or dropped.
    pub fn keep_waiting(&self, stage: Stage) -> mpsc::Sender<()> {
        let (go_on, wait) = mpsc::channel();
        self.state().trouble = Some((stage, Trouble::Wait(wait)));
        go_on
    }

    /// From now on, takes everything.
    pub fn relent(&self) {
        self.state().trouble = None;
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// The mails whose content has come so far.
    pub fn come(&self) -> Vec<Taken> {
        self.come.borrow().clone()
    }

    /// Waits until the content of so many mails has come.
    pub async fn wait_for(&self, count: usize) -> Vec<Taken> {
        self.come.clone().wait_for(|come| come.len() >= count).await.expect("the server runs").clone()
    }

    /// Waits until the answer to the content of so many mails was written.
    pub async fn wait_for_answers(&self, count: usize) {
        self.answered.clone().wait_for(|answered| *answered >= count).await.expect("the server runs");
    }
}

struct Session {
    state: Arc<Mutex<State>>,
    come: Arc<watch::Sender<Vec<Taken>>>,
    answered: Arc<watch::Sender<usize>>,
}

impl Session {
    fn serve(self, mut stream: TcpStream) -> std::io::Result<()> {
        {
            let mut state = self.state.lock().expect("not poisoned");
            state.connections += 1;
            state.streams.push(stream.try_clone()?);
        }
        let hung_up = Arc::new(AtomicBool::new(false));
        let mut mail = Mail { state: self.state, come: self.come, hung_up: Arc::clone(&hung_up), to: String::new(), content: Vec::new() };
        if let Some(refusal) = mail.trouble(Stage::Connect) {
            return if hung_up.load(Ordering::Relaxed) { Ok(()) } else { refusal.write_to(&mut stream) };
        }
        let mut session = SessionBuilder::new("mail.example").build(IpAddr::V4(Ipv4Addr::LOCALHOST), mail);
        session.greeting().write_to(&mut stream)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            let response = session.process(&line);
            if hung_up.load(Ordering::Relaxed) {
                return Ok(());
            }
            if response.action != Action::NoReply {
                response.write_to(&mut stream)?;
            }
            let is_end = line == b".\r\n";
            if is_end {
                self.answered.send_modify(|answered| *answered += 1);
            }
            // After it refused a content, the state machine takes what follows for more of it.
            if response.action == Action::Close || is_end && response.is_error {
                return Ok(());
            }
            line.clear();
        }
        Ok(())
    }
}

struct Mail {
    state: Arc<Mutex<State>>,
    come: Arc<watch::Sender<Vec<Taken>>>,
    hung_up: Arc<AtomicBool>,
    to: String,
    content: Vec<u8>,
}

impl Mail {
    /// What there is instead of going along with a stage.
    fn trouble(&mut self, stage: Stage) -> Option<Response> {
        let trouble = self.take(stage)?;
        self.make(trouble, stage)
    }

    /// A refusal is there for everybody, other trouble for the first one who comes.
    fn take(&mut self, stage: Stage) -> Option<Trouble> {
        let mut server = self.state.lock().expect("not poisoned");
        match &server.trouble {
            Some((at, Trouble::Refuse(code))) if *at == stage => Some(Trouble::Refuse(*code)),
            Some((at, Trouble::RefuseWith(code, text))) if *at == stage => Some(Trouble::RefuseWith(*code, text)),
            Some((at, _)) if *at == stage => server.trouble.take().map(|(_, trouble)| trouble),
            _ => None,
        }
    }

    fn make(&mut self, trouble: Trouble, stage: Stage) -> Option<Response> {
        match trouble {
            Trouble::Refuse(code) | Trouble::RefuseOnce(code) => Some(Response::custom(code, format!("refused at {stage:?}"))),
            Trouble::RefuseWith(code, text) => Some(Response::custom(code, text.to_owned())),
            Trouble::HangUp => {
                self.hung_up.store(true, Ordering::Relaxed);
                Some(response::NO_SERVICE)
            }
            Trouble::Wait(wait) => {
                // An error means that the test let go of the other end, which means the same.
                let _ = wait.recv();
                None
            }
        }
    }

    fn at(&mut self, stage: Stage) -> Response {
        self.trouble(stage).unwrap_or(response::OK)
    }
}

impl Handler for Mail {
    fn mail(&mut self, _ip: IpAddr, _domain: &str, _from: &str) -> Response {
        self.content.clear();
        self.at(Stage::Mail)
    }

    fn rcpt(&mut self, to: &str) -> Response {
        to.clone_into(&mut self.to);
        self.at(Stage::Rcpt)
    }

    fn data_start(&mut self, _domain: &str, _from: &str, _is8bit: bool, _to: &[String]) -> Response {
        self.at(Stage::Data)
    }

    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.content.is_empty() {
            // Nothing is answered here: it can only hang up, which is seen by whoever called.
            let _ = self.trouble(Stage::Body);
        }
        self.content.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let parsed = MessageParser::new().parse(&self.content).expect("a mail");
        let taken = Taken { to: self.to.clone(), message_id: parsed.message_id().expect("a Message-ID").to_owned() };
        // Taken before the test hears of the mail and makes other trouble.
        let trouble = self.take(Stage::Content);
        self.come.send_modify(|come| come.push(taken));
        trouble.and_then(|trouble| self.make(trouble, Stage::Content)).unwrap_or(response::OK)
    }
}
