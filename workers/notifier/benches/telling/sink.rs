//! A mail server that takes everything as fast as it can, and keeps the first mails whole.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::linux::net::TcpStreamExt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// A mail as it was handed over.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    pub from: String,
    pub to: String,
    pub bytes: Vec<u8>,
}

/// A running server; it ends with the process.
#[derive(Debug)]
pub struct Sink {
    pub port: u16,
    count: watch::Receiver<usize>,
    kept: Arc<Mutex<Vec<Taken>>>,
}

/// How many mails are kept.
const KEPT: usize = 1000;

/// When its system acknowledges what it has received and does not answer yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledges {
    /// After up to 40 ms.
    Usually,
    /// Without waiting.
    AtOnce,
}

impl Sink {
    pub fn start(acknowledges: Acknowledges) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, count) = watch::channel(0);
        let sender = Arc::new(sender);
        let kept = Arc::new(Mutex::default());
        let sink = Self { port, count, kept: Arc::clone(&kept) };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, kept) = (Arc::clone(&sender), Arc::clone(&kept));
                // A client that leaves without a goodbye ends its session with an error.
                std::thread::spawn(move || serve(stream, acknowledges, &sender, &kept));
            }
        });
        sink
    }

    /// How many mails it has said yes to.
    pub fn taken(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until it has said yes to so many.
    pub async fn wait_for(&self, count: usize) {
        self.count.clone().wait_for(|taken| *taken >= count).await.expect("the sink runs");
    }

    /// The first mails.
    pub fn kept(&self) -> Vec<Taken> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(stream: TcpStream, acknowledges: Acknowledges, count: &watch::Sender<usize>, kept: &Mutex<Vec<Taken>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream.try_clone()?);
    let mut writer = stream;
    writer.write_all(b"220 sink.example ESMTP\r\n")?;
    let mut mail = Taken::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let verb = String::from_utf8_lossy(&line[..line.len().min(4)]).to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "EHLO" => {
                b"250-sink.example\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
            }
            "MAIL" => {
                mail = Taken { from: address(&line), ..Taken::default() };
                b"250 2.1.0 ok\r\n"
            }
            "RCPT" => {
                mail.to = address(&line);
                b"250 2.1.5 ok\r\n"
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                content(&mut reader, acknowledges, &mut mail.bytes)?;
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() < KEPT {
                    kept.push(std::mem::take(&mut mail));
                }
                drop(kept);
                count.send_modify(|count| *count += 1);
                b"250 2.0.0 taken\r\n"
            }
            "QUIT" => return writer.write_all(b"221 2.0.0 bye\r\n"),
            _ => b"250 2.0.0 ok\r\n",
        };
        writer.write_all(answer)?;
    }
}

fn address(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or_else(String::new, |(address, _)| address.to_owned())
}

/// Reads up to the line with a lone dot, which is not kept.
fn content(reader: &mut BufReader<TcpStream>, acknowledges: Acknowledges, bytes: &mut Vec<u8>) -> io::Result<()> {
    loop {
        // It holds until the next that is received.
        if acknowledges == Acknowledges::AtOnce && reader.buffer().is_empty() {
            reader.get_ref().set_quickack(true)?;
        }
        let begun = bytes.len();
        if reader.read_until(b'\n', bytes)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &bytes[begun..] {
            b".\r\n" => {
                bytes.truncate(begun);
                return Ok(());
            }
            // RFC 5321, 4.5.2.
            [b'.', ..] => drop(bytes.remove(begun)),
            _ => {}
        }
    }
}
