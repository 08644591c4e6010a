//! A small IMAP server that does what it is told: for what a good server never does.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// What the server does instead of handing out mails, each time that it is asked for their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quirk {
    /// Hands out the first, and then says good-bye in the middle of the second.
    Bye,
    /// Says nothing more.
    Silence,
    /// Says something that is not IMAP.
    Garbage(&'static str),
    /// Says that there is another mail by now, and hands out what was asked for.
    OneMore(String),
    /// Leaves out what was asked for and says that it is done.
    LeaveOut,
}

/// What lies there, and how it behaves.
#[derive(Debug, Default)]
pub struct State {
    /// The mails, by UID from 1 on.
    pub mails: Vec<String>,
    /// What goes wrong next, one for each request for bytes.
    pub quirks: Vec<Quirk>,
    /// Mails that are not handed out, by their UIDs.
    pub refuses: Vec<u32>,
    /// The UID that it says it gives to the next mail, where it says so.
    pub uid_next: Option<u32>,
    /// Whether another mail comes each time that somebody logs in.
    pub busy: bool,
    /// Whether it has IDLE; it never says anything by it.
    pub idle: bool,
    /// The commands that it was given, without their tags.
    pub heard: Vec<String>,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    pub port: u16,
    pub state: Arc<Mutex<State>>,
    _task: AbortOnDropHandle<()>,
}

impl Server {
    pub async fn start(state: State) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                // Whoever hangs up ends its conversation.
                tokio::spawn(async move { drop(converse(stream, &state).await) });
            }
        });
        Self { port, state, _task: AbortOnDropHandle::new(task) }
    }

    pub fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn converse(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let with = |change: &mut dyn FnMut(&mut State) -> String| change(&mut state.lock().unwrap_or_else(PoisonError::into_inner));
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"* OK here\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let (tag, command) = line.split_once(' ').unwrap_or((line.as_str(), ""));
        with(&mut |state| {
            state.heard.push(command.to_owned());
            String::new()
        });
        let count = |state: &State| format!("* {} EXISTS\r\n", state.mails.len());
        let mut verb = command.split(' ');
        let answer = match (verb.next().unwrap_or_default(), verb.next().unwrap_or_default()) {
            ("CAPABILITY", _) => with(&mut |state| format!("* CAPABILITY IMAP4rev1{}\r\n", if state.idle { " IDLE" } else { "" })),
            ("EXAMINE", _) => with(&mut |state| {
                if state.busy {
                    let number = state.mails.len() + 1;
                    state.mails.push(super::mail(&format!("mail {number:03}")));
                }
                let next = state.uid_next.map_or_else(String::new, |next| format!("* OK [UIDNEXT {next}] so\r\n"));
                format!("{}* OK [UIDVALIDITY 7] fine\r\n{next}", count(state))
            }),
            ("NOOP", _) => with(&mut |state| count(state)),
            ("IDLE", _) => {
                writer.write_all(b"+ waiting\r\n").await?;
                lines.next_line().await?;
                String::new()
            }
            ("UID", "FETCH") if command.contains("RFC822.SIZE") => with(&mut |state| sizes(state, command)),
            ("UID", "FETCH") => match bytes(state, command) {
                Answer::Whole(text) => text,
                Answer::Refused => {
                    writer.write_all(format!("{tag} NO [SERVERBUG] of ada@example.org\r\n").as_bytes()).await?;
                    continue;
                }
                Answer::CutOff(text) => {
                    writer.write_all(text.as_bytes()).await?;
                    return Ok(());
                }
                Answer::Nothing => std::future::pending().await,
            },
            _ => String::new(),
        };
        writer.write_all(format!("{answer}{tag} OK done\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// The UIDs that a command names, of those that are there.
fn named(state: &State, command: &str) -> Vec<u32> {
    let set = command.split(' ').nth(2).unwrap_or_default();
    let last = u32::try_from(state.mails.len()).expect("few mails");
    let number = |text: &str| if text == "*" { last } else { text.parse().expect("a UID") };
    let ranges =
        set.split(',').map(|range| range.split_once(':').map_or_else(|| (number(range), number(range)), |(a, b)| (number(a), number(b))));
    let ranges: Vec<(u32, u32)> = ranges.map(|(a, b)| (a.min(b), a.max(b))).collect();
    (1..=last).filter(|uid| ranges.iter().any(|(from, to)| (from..=to).contains(&uid))).collect()
}

fn mail(state: &State, uid: u32) -> &str {
    &state.mails[uid as usize - 1]
}

fn sizes(state: &State, command: &str) -> String {
    let line = |uid: u32| format!("* {uid} FETCH (UID {uid} RFC822.SIZE {})\r\n", mail(state, uid).len());
    // `9:*` names the last mail, whatever its UID: `named` has turned it round.
    named(state, command).into_iter().map(line).collect()
}

enum Answer {
    Whole(String),
    CutOff(String),
    Refused,
    Nothing,
}

fn bytes(state: &Mutex<State>, command: &str) -> Answer {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let uids = named(&state, command);
    if state.refuses.iter().any(|uid| uids.contains(uid)) {
        return Answer::Refused;
    }
    let quirk = if state.quirks.is_empty() { None } else { Some(state.quirks.remove(0)) };
    let line =
        |state: &State, uid: u32| format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n{})\r\n", mail(state, uid).len(), mail(state, uid));
    let all: String = uids.iter().map(|uid| line(&state, *uid)).collect();
    match quirk {
        None => Answer::Whole(all),
        Some(Quirk::Bye) => Answer::CutOff(format!("{}* BYE for bo@example.org it is late\r\n", line(&state, uids[0]))),
        Some(Quirk::Silence) => Answer::Nothing,
        Some(Quirk::Garbage(text)) => Answer::CutOff(text.to_owned()),
        Some(Quirk::OneMore(mail)) => {
            state.mails.push(mail);
            Answer::Whole(format!("* {} EXISTS\r\n{all}", state.mails.len()))
        }
        Some(Quirk::LeaveOut) => Answer::Whole(String::new()),
    }
}
