//! `switchboard inspect`: what is made of a message, without taking it. Needs no configuration, no
//! database and nobody who runs.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, StdoutLock, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};
use switchboard_mail_reader::mbox::Mails;
use switchboard_mail_reader::{Inspected, SmtpEnvelope, read};

use crate::cli::Inspect;

/// No server is pinned here whose word on the sender would be believed.
const TRUST: &str = "unverified";

/// Prints what is made of mails. Any bytes are a mail; a file that cannot be read is named, and the
/// others are printed all the same.
pub fn run(arguments: Inspect) -> ExitCode {
    let Inspect::Email { files, mbox } = arguments;
    let mut printer = Printer { stdout: Harmless(BufWriter::new(io::stdout().lock())), pretty: files.len() == 1 && !mbox };
    let mut code = ExitCode::SUCCESS;
    for file in &files {
        match printer.file(file, mbox) {
            Ok(()) => {}
            // Whoever reads this has seen enough, as `head` does.
            Err(Fault::Write(error)) if error.kind() == ErrorKind::BrokenPipe => return code,
            Err(Fault::Write(error)) => {
                eprintln!("switchboard: it cannot be printed: {error}");
                return ExitCode::FAILURE;
            }
            Err(Fault::Read(error)) => {
                let name = if is_stdin(file) { "standard input".to_owned() } else { file.display().to_string() };
                eprintln!("switchboard: {name} cannot be read: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

/// What stopped it.
enum Fault {
    Read(io::Error),
    Write(io::Error),
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

struct Printer<'a> {
    stdout: Harmless<BufWriter<StdoutLock<'a>>>,
    /// Over several lines, for people.
    pretty: bool,
}

impl Printer<'_> {
    fn file(&mut self, file: &Path, mbox: bool) -> Result<(), Fault> {
        let mut reader: Box<dyn BufRead> = if is_stdin(file) {
            Box::new(io::stdin().lock())
        } else {
            Box::new(BufReader::with_capacity(64 * 1024, File::open(file).map_err(Fault::Read)?))
        };
        if mbox {
            for mail in Mails::new(reader) {
                self.mail(&mail.map_err(Fault::Read)?).map_err(Fault::Write)?;
            }
            return Ok(());
        }
        let mut raw = Vec::new();
        reader.read_to_end(&mut raw).map_err(Fault::Read)?;
        self.mail(&raw).map_err(Fault::Write)
    }

    fn mail(&mut self, raw: &[u8]) -> io::Result<()> {
        let mail = read(raw, &SmtpEnvelope::default());
        let inspected = Inspected::new(&mail, TRUST);
        if self.pretty {
            self.json(&inspected, PrettyFormatter::new())?;
        } else {
            self.json(&inspected, CompactFormatter)?;
        }
        self.stdout.write_all(b"\n")?;
        self.stdout.flush()
    }

    fn json(&mut self, inspected: &Inspected<'_>, formatter: impl Formatter) -> io::Result<()> {
        Ok(inspected.serialize(&mut Serializer::with_formatter(&mut self.stdout, formatter))?)
    }
}

/// Escapes what a terminal would obey and JSON may hold as it is: DEL and U+0080 to U+009F.
struct Harmless<W>(W);

impl<W: Write> Write for Harmless<W> {
    /// Takes all of it. The pieces that JSON is written in begin and end with whole characters.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some((at, code, length)) = control(rest) {
            self.0.write_all(&rest[..at])?;
            write!(self.0, "\\u{code:04x}")?;
            rest = &rest[at + length..];
        }
        self.0.write_all(rest)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Where the first such character stands in UTF-8, which it is, and its length.
fn control(bytes: &[u8]) -> Option<(usize, u8, usize)> {
    bytes.iter().enumerate().find_map(|(at, byte)| match (byte, bytes.get(at + 1)) {
        (0x7f, _) => Some((at, 0x7f, 1)),
        (0xc2, Some(second @ 0x80..=0x9f)) => Some((at, *second, 2)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_a_terminal_is_escaped_and_read_back_as_it_was() {
        let mut printed = Harmless(Vec::new());
        let text = "a\u{9b}31m\u{7f}é\u{1b}\u{a0}\u{85}";
        serde_json::to_writer(&mut printed, text).expect("written");
        assert_eq!(String::from_utf8_lossy(&printed.0), "\"a\\u009b31m\\u007fé\\u001b\u{a0}\\u0085\"");
        assert_eq!(serde_json::from_slice::<String>(&printed.0).expect("JSON"), text);
    }
}
