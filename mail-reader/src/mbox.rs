//! The mails of an mbox file, one after the other: a file of two gigabytes is never in memory as a whole.
//!
//! A mail begins below a line such as `From ada@example.org Mon Mar  2 10:00:00 2026` that is the
//! file's first or follows an empty one (RFC 4155, appendix A). A line of text that would look like
//! it was given a `>` when it was written (mboxo, mboxrd), which is taken away. What a Content-Length
//! says (mboxcl) is not believed: it is wrong as soon as somebody has edited the file.

use std::io::{self, BufRead};

/// Reads the mails of an mbox file.
#[derive(Debug)]
pub struct Mails<R> {
    reader: R,
    /// The line above the next mail was read.
    begun: bool,
    ended: bool,
}

impl<R: BufRead> Mails<R> {
    /// The mails in what `reader` gives. What stands above the first separating line, if it is not
    /// blank, is a mail too.
    pub fn new(reader: R) -> Self {
        Self { reader, begun: false, ended: false }
    }

    /// The next mail; `None` at the end.
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut mail = Vec::new();
        let (mut in_header, mut after_blank) = (true, !self.begun);
        loop {
            let start = mail.len();
            if self.reader.read_until(b'\n', &mut mail)? == 0 {
                self.ended = true;
                break;
            }
            let line = &mail[start..];
            if after_blank && is_separator(line) {
                mail.truncate(start);
                if self.begun || !mail.trim_ascii().is_empty() {
                    self.begun = true;
                    return Ok(Some(without_last_blank_line(mail)));
                }
                self.begun = true;
                mail.clear();
                (in_header, after_blank) = (true, false);
                continue;
            }
            after_blank = is_blank(line);
            if !in_header && is_quoted(line) {
                mail.remove(start);
            }
            in_header &= !after_blank;
        }
        let is_mail = self.begun || !mail.trim_ascii().is_empty();
        Ok(is_mail.then(|| without_last_blank_line(mail)))
    }
}

impl<R: BufRead> Iterator for Mails<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read();
        self.ended |= read.is_err();
        read.transpose()
    }
}

fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n")
}

/// Whether a line that begins the file or follows an empty one begins a mail. Not every program puts
/// the `>` in front of a line of text that begins so; a person's sentence has no time of day in it
/// and goes on after the first word. Without a date the line is written by some programs, as a
/// sender alone, as `From -`, or with nothing behind it.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let has_time = || rest.windows(4).any(|window| matches!(window, [b'0'..=b'9', b':', b'0'..=b'9', b'0'..=b'9']));
    let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (first, second) = (words.next(), words.next());
    let stands_alone = second.is_none() && first.is_none_or(|word| word == b"-" || word.contains(&b'@') || word == b"MAILER-DAEMON");
    stands_alone || has_time()
}

/// `>From `, with any number of `>` (mboxrd).
fn is_quoted(line: &[u8]) -> bool {
    let quotes = line.iter().take_while(|byte| **byte == b'>').count();
    quotes > 0 && line[quotes..].starts_with(b"From ")
}

/// The empty line above a separator, or at the end of the file, is not the mail's.
fn without_last_blank_line(mut mail: Vec<u8>) -> Vec<u8> {
    for (end, line) in [(b"\r\n\r\n".as_slice(), 2), (b"\n\n", 1)] {
        // An empty line that ends the header belongs to the mail.
        if mail.ends_with(end) && has_body(&mail[..mail.len() - line]) {
            mail.truncate(mail.len() - line);
            break;
        }
    }
    mail
}

fn has_body(mail: &[u8]) -> bool {
    mail.windows(2).any(|pair| pair == b"\n\n") || mail.windows(4).any(|four| four == b"\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(mbox: &str) -> Vec<String> {
        // A small buffer, so that lines end in the middle of it.
        let reader = io::BufReader::with_capacity(7, mbox.as_bytes());
        Mails::new(reader).map(|mail| String::from_utf8(mail.expect("read")).expect("UTF-8")).collect()
    }

    #[test]
    fn each_mail_is_what_stands_between_two_separators() {
        let first = "From ada@example.org Mon Mar  2 10:00:00 2026\nSubject: one\n\nText.\n";
        for second in ["From - Mon Mar 02 10:00:01 2026", "From MAILER-DAEMON", "From eve@example.org", "From ", "From -"] {
            let mails = split(&format!("{first}\n{second}\nSubject: two\n\nLast"));
            assert_eq!(mails, ["Subject: one\n\nText.\n", "Subject: two\n\nLast"], "{second}");
        }
        assert_eq!(split(&first.replace('\n', "\r\n").repeat(2)).len(), 1, "no empty line between them");
        let crlf = format!("{first}\n").replace('\n', "\r\n").repeat(2);
        assert_eq!(split(&crlf), ["Subject: one\r\n\r\nText.\r\n", "Subject: one\r\n\r\nText.\r\n"]);
    }

    #[test]
    fn a_sentence_is_no_separator() {
        let body = "He said:\nFrom now on at 10:30 it rains.\n\nFrom there we went on.\n\nThat was from 9:00 on.\n";
        assert_eq!(split(&format!("From a@b.c Mon Mar  2 10:00:00 2026\nX: y\n\n{body}")), [format!("X: y\n\n{body}")]);
    }

    #[test]
    fn a_quoted_line_loses_one_sign_and_only_in_the_text() {
        let mails =
            split("From a@b.c\n>From b@c.d Mon Mar  2 10:00:00 2026 remote from c\nX: y\n\n>From me\n>>From you\n> From him\n>Frome\n");
        let expected = ">From b@c.d Mon Mar  2 10:00:00 2026 remote from c\nX: y\n\nFrom me\n>From you\n> From him\n>Frome\n";
        assert_eq!(mails, [expected]);
    }

    #[test]
    fn a_content_length_is_not_believed() {
        let mails = split("From a@b.c 10:00:00\nContent-Length: 5000\n\none\n\nFrom a@b.c 10:00:00\nContent-Length: 1\n\ntwo\n");
        assert_eq!(mails, ["Content-Length: 5000\n\none\n", "Content-Length: 1\n\ntwo\n"]);
    }

    #[test]
    fn what_is_no_mbox_is_one_mail_and_nothing_is_none() {
        assert_eq!(split("Subject: x\n\nbody\n"), ["Subject: x\n\nbody\n"]);
        assert_eq!(split("\n\nFrom a@b.c\nSubject: x\n\n"), ["Subject: x\n\n"]);
        assert_eq!(split("From a@b.c\n\nFrom a@b.c\n"), ["\n", ""]);
        assert!(split("").is_empty() && split("\n \n").is_empty());
    }

    #[test]
    fn a_reader_that_fails_ends_it_with_its_error() {
        struct Torn;
        impl io::Read for Torn {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("torn"))
            }
        }
        let mut mails = Mails::new(io::BufReader::new(Torn));
        assert!(mails.next().is_some_and(|mail| mail.is_err()) && mails.next().is_none());
    }

    proptest! {
        #[test]
        fn what_was_written_as_mboxrd_is_read_back(bodies in prop::collection::vec("(>{0,2}(From |x)?[a-z :0-9]{0,8}\n){0,6}", 1..5)) {
            let quoted = |body: &str| {
                body.split_inclusive('\n')
                    .map(|line| if line.trim_start_matches('>').starts_with("From ") { format!(">{line}") } else { line.to_owned() })
                    .collect::<String>()
            };
            let separator = "From a@b.c Mon Mar  2 10:00:00 2026\nX: y\n\n";
            let mbox = bodies.iter().fold(String::new(), |mbox, body| mbox + separator + &quoted(body) + "\n");
            let mails: Vec<String> = bodies.iter().map(|body| format!("X: y\n\n{body}")).collect();
            prop_assert_eq!(split(&mbox), mails);
        }
    }
}
