//! A mail server that takes everything and keeps it, and that can strike down its client in the
//! moment after it said yes.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use mail_parser::MessageParser;
use mailin::{Action, Handler, Response, SessionBuilder, response};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A mail that the server has said yes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Taken {
    pub message_id: String,
    pub recipient: String,
    pub subject: String,
}

#[derive(Debug, Default)]
struct State {
    taken: Vec<Taken>,
    /// Whom to strike down after the next yes.
    victim: Option<Pid>,
    struck: Vec<Taken>,
}

/// A running server; it ends with the test.
#[derive(Debug, Clone)]
pub struct SmtpSink {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl SmtpSink {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State::default()));
        let sink = Self { port, state: Arc::clone(&state) };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&state);
                // A client that is struck down ends its session with an error, which is as it should be.
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        sink
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.lock().taken.clone()
    }

    /// Kills this process with SIGKILL when the server has said yes to its next mail and before it can
    /// have read that: the provider has the mail, and nobody has written it down.
    pub fn strike_after_next_yes(&self, victim: u32) {
        self.lock().victim = Some(Pid::from_raw(i32::try_from(victim).expect("a process id")));
    }

    /// The mails after whose yes the client was struck down.
    pub fn struck(&self) -> Vec<Taken> {
        self.lock().struck.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }
}

#[derive(Default)]
struct Mail {
    recipients: Vec<String>,
    data: Vec<u8>,
    complete: Arc<Mutex<Vec<Taken>>>,
}

impl Handler for Mail {
    fn mail(&mut self, _ip: IpAddr, _domain: &str, _from: &str) -> Response {
        self.recipients.clear();
        self.data.clear();
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        self.recipients.push(to.to_owned());
        response::OK
    }

    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.data.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let message = MessageParser::new().parse(&self.data).expect("a mail");
        let mut complete = self.complete.lock().expect("not poisoned");
        complete.extend(self.recipients.iter().map(|recipient| Taken {
            message_id: message.message_id().expect("a Message-ID").to_owned(),
            recipient: recipient.clone(),
            subject: message.subject().unwrap_or_default().to_owned(),
        }));
        response::OK
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let complete = Arc::new(Mutex::new(Vec::new()));
    let handler = Mail { complete: Arc::clone(&complete), ..Mail::default() };
    let mut session = SessionBuilder::new("sink.example").build(IpAddr::V4(Ipv4Addr::LOCALHOST), handler);
    let mut reader = BufReader::new(stream.try_clone()?);
    // A response is written in pieces, each of which would wait until the one before was heard of.
    stream.set_nodelay(true)?;
    let mut writer = stream;
    session.greeting().write_to(&mut writer)?;
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let response = session.process(&line);
        line.clear();
        let taken = std::mem::take(&mut *complete.lock().expect("not poisoned"));
        match (&response.action, taken.is_empty()) {
            (Action::NoReply, _) => {}
            (_, true) => response.write_to(&mut writer)?,
            (_, false) => say_yes(&response, taken, &mut writer, state)?,
        }
        if matches!(response.action, Action::Close) {
            break;
        }
    }
    writer.flush()
}

/// Says yes; to one who is to be struck down, while it is stopped and cannot hear it.
fn say_yes(response: &Response, taken: Vec<Taken>, writer: &mut TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut state = state.lock().expect("not poisoned");
    state.taken.extend(taken.iter().cloned());
    match state.victim.take() {
        None => response.write_to(writer),
        Some(victim) => {
            kill(victim, Signal::SIGSTOP)?;
            response.write_to(writer)?;
            state.struck.extend(taken);
            Ok(kill(victim, Signal::SIGKILL)?)
        }
    }
}
