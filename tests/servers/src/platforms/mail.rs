//! A mail server that lets in by XOAUTH2 alone, and refuses recipients in the words that it is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::BASE64;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Who may sign in.
pub const USER: &str = "desk@mail.example";

/// How a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// With a challenge that says why, and 535 after an empty answer to it
    /// (<https://developers.google.com/workspace/gmail/imap/xoauth2-protocol#error_response_2>).
    #[default]
    Challenge,
    /// With 535 at once
    /// (<https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth>).
    AtOnce,
    /// With 454 for now (<https://www.rfc-editor.org/rfc/rfc4954#section-6>).
    ForNow,
}

/// What it knows and has seen.
#[derive(Debug, Default)]
pub struct Mailroom {
    /// The access token that is accepted.
    pub token: String,
    /// How others are refused.
    pub manner: Manner,
    /// What is answered to a recipient instead of 250: a code with an enhanced one (<https://www.rfc-editor.org/rfc/rfc3463#section-3.2>).
    pub recipient: Option<String>,
    /// The tokens that were shown, in order.
    pub shown: Vec<String>,
    /// How many mails were taken.
    pub taken: usize,
}

/// A running server; it ends with the test's runtime.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    room: Arc<Mutex<Mailroom>>,
}

impl MailServer {
    /// Starts one.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let room = Arc::<Mutex<Mailroom>>::default();
        let server = Self { address, room: Arc::clone(&room) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let room = Arc::clone(&room);
                // A client that goes away ends its session with an error, which is as it should be.
                tokio::spawn(async move { drop(session(stream, &room).await) });
            }
        });
        server
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it knows and has seen.
    pub fn room(&self) -> MutexGuard<'_, Mailroom> {
        enter(&self.room)
    }
}

fn enter(room: &Mutex<Mailroom>) -> MutexGuard<'_, Mailroom> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn session(stream: TcpStream, room: &Mutex<Mailroom>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example ESMTP\r\n").await?;
    let (mut signed_in, mut line) = (false, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end();
        let answer = match command.split(' ').next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => "250-mail.example\r\n250 AUTH XOAUTH2".to_owned(),
            "AUTH" => match check(command, room) {
                Ok(()) => {
                    signed_in = true;
                    "235 2.7.0 Accepted".to_owned()
                }
                Err(Manner::ForNow) => "454 4.7.0 Temporary authentication failure".to_owned(),
                Err(Manner::AtOnce) => "535 5.7.3 Authentication unsuccessful".to_owned(),
                Err(Manner::Challenge) => {
                    stream.write_all(b"334 eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIn0=\r\n").await?;
                    line.clear();
                    stream.read_line(&mut line).await?;
                    let is_empty = line == "\r\n";
                    if is_empty {
                        "535-5.7.8 Username and Password not accepted\r\n535 5.7.8 see the page"
                    } else {
                        "501 5.5.2 Cannot decode"
                    }
                    .to_owned()
                }
            },
            "MAIL" if !signed_in => "530 5.7.0 Authentication Required".to_owned(),
            "RCPT" => enter(room).recipient.clone().unwrap_or_else(|| "250 2.1.5 Ok".to_owned()),
            "DATA" => {
                stream.write_all(b"354 Go ahead\r\n").await?;
                while line != ".\r\n" {
                    line.clear();
                    if stream.read_line(&mut line).await? == 0 {
                        return Ok(());
                    }
                }
                enter(room).taken += 1;
                "250 2.0.0 Taken".to_owned()
            }
            "QUIT" => return stream.write_all(b"221 Bye\r\n").await,
            _ => "250 2.0.0 Ok".to_owned(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

/// `user=…^Aauth=Bearer …^A^A`, in base64 (<https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>).
fn check(command: &str, room: &Mutex<Mailroom>) -> Result<(), Manner> {
    let said = command.strip_prefix("AUTH XOAUTH2 ").and_then(|text| BASE64.decode(text.as_bytes()).ok());
    let said = said.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let mut room = enter(room);
    let shown = said.strip_prefix(&format!("user={USER}\u{1}auth=Bearer ")).and_then(|rest| rest.strip_suffix("\u{1}\u{1}"));
    room.shown.push(shown.unwrap_or("nothing that can be read").to_owned());
    if shown == Some(room.token.as_str()) { Ok(()) } else { Err(room.manner) }
}
