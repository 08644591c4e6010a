//! Damage to mails: what a fuzzer does, with a seed and without its patience.

use rand::rngs::ChaCha20Rng;
use rand::{RngExt, SeedableRng};

/// What mail is written with; put in where nobody expects it.
pub const WORDS: [&[u8]; 66] = [
    b"\n",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"\0",
    b"\n ",
    b"\n\t",
    b"\n>",
    b"\n> > ",
    b"\n-- \n",
    b"\n--b\n",
    b"\n--b--\n",
    b"From ",
    b"From: ",
    b"\nSubject: ",
    b"\nContent-Type: text/html\n",
    b"\nContent-Type: text/plain; format=flowed; delsp=yes\n",
    b"\nContent-Type: multipart/mixed; boundary=b\n\n--b\n",
    b"\nContent-Type: multipart/alternative; boundary=\"",
    b"\nContent-Type: multipart/related; boundary=b\n\n--b\n",
    b"\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n",
    b"\nContent-Type: message/rfc822\n\n",
    b"\nContent-Type: message/delivery-status\n\n",
    b"\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\n",
    b"\nContent-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22\x00\x00",
    b"\nContent-Transfer-Encoding: base64\n",
    b"\nContent-Transfer-Encoding: quoted-printable\n",
    b"\nContent-Transfer-Encoding: x-uuencode\n",
    b"\nContent-Disposition: attachment; filename*0*=utf-8''%e4; filename*1=b\n",
    b"; charset=utf-7",
    b"; charset=iso-2022-jp",
    b"; charset=gb18030",
    b"; charset=utf-16",
    b"; charset=windows-1252",
    b"; name=\"../a\\b\"",
    b"=?utf-8?q?=C3?=",
    b"=?utf-8?b?pA==?=",
    b"=?iso-2022-jp?b?GyRCJUY=?=",
    b"=?",
    b"?=",
    b"=",
    b"=C3=",
    b"\x1b$B",
    b"\x1b(B",
    b"+AOQ-",
    b"\xff",
    b"\xc3",
    b"\x81\x30",
    b"\xf0\x9f\x98\x80",
    b"\xe2\x80\x8b",
    b"begin 644 a\n",
    b"(",
    b"\"",
    b"\\",
    b"<",
    b">",
    b"<blockquote>",
    b"<div class=\"gmail_quote\">",
    b"<hr><div id=\"divRplyFwdMsg\">",
    b"</div>",
    b"<script>",
    b"<a href=\"javascript:x\">",
    b"<!--",
    b"&#0;",
    b"\nOn Monday, Ada wrote:\n> ",
    "\n— Write your answer above this line —\n".as_bytes(),
];

/// Makes damaged mails of good ones, the same ones for the same seed.
pub struct Mutator {
    random: ChaCha20Rng,
}

impl Mutator {
    /// Begins with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { random: ChaCha20Rng::seed_from_u64(seed) }
    }

    /// One of `mails`, damaged in up to eight places, perhaps by a piece of another.
    ///
    /// # Panics
    ///
    /// When there are no mails.
    #[must_use]
    pub fn damaged(&mut self, mails: &[Vec<u8>]) -> Vec<u8> {
        assert!(!mails.is_empty(), "nothing to damage");
        let mut mail = mails[self.random.random_range(0..mails.len())].clone();
        for _ in 0..self.random.random_range(1..=8) {
            let other = self.random.random_range(0..mails.len());
            self.damage(&mut mail, &mails[other]);
        }
        mail
    }

    /// Bytes without any order.
    #[must_use]
    pub fn noise(&mut self, longest: usize) -> Vec<u8> {
        let length = self.random.random_range(0..=longest);
        (0..length).map(|_| self.random.random()).collect()
    }

    fn damage(&mut self, mail: &mut Vec<u8>, other: &[u8]) {
        let at = self.random.random_range(0..=mail.len());
        let (from, to) = self.range(mail.len());
        match self.random.random_range(0..7) {
            0 if at < mail.len() => mail[at] = self.random.random(),
            1 if at < mail.len() => mail[at] ^= 1 << self.random.random_range(0..8),
            2 => drop(mail.drain(from..to)),
            3 => {
                let piece = mail[from..to].to_vec();
                drop(mail.splice(at..at, piece));
            }
            4 => {
                let (from, to) = self.range(other.len());
                drop(mail.splice(at..at, other[from..to].iter().copied()));
            }
            5 => mail.truncate(at),
            _ => {
                let word = WORDS[self.random.random_range(0..WORDS.len())];
                drop(mail.splice(at..at, word.iter().copied()));
            }
        }
    }

    /// A piece, mostly a short one.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.random.random_range(0..=length);
        let longest = if self.random.random_range(0..4) == 0 { 4000 } else { 40 };
        (from, length.min(from + self.random.random_range(0..=longest)))
    }
}
