//! Mails put together from what mails are made of, as bytes that mean nothing choose.

use crate::mutate::WORDS;

/// Header fields, good and bad.
const FIELDS: [&[u8]; 26] = [
    b"From: Ada Lovelace <ada@example.org>",
    b"From: =?iso-8859-1?q?J=FCrgen?= <j@example.org>, Bob <bob@example.org>",
    b"From:",
    b"To: team: a@example.org, \"B, C\" <b@example.org>;",
    b"Cc: undisclosed-recipients:;",
    b"Reply-To: <<x@example.org>>",
    b"Subject: =?utf-8?b?w6Q=?= =?utf-8?q?b?=",
    b"Subject: caf\xe9",
    b"Message-ID: <1@example.org> <2@example.org>",
    b"In-Reply-To: your mail of Monday <0@example.org>",
    b"References: <a@b>\n <c@d> <",
    b"Date: Mon, 2 Mar 2026 10:00:00 +0100",
    b"Date: yesterday",
    b"MIME-Version: 1.0",
    b"Auto-Submitted: auto-replied",
    b"Return-Path: <>",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Transfer-Encoding: 8bit",
    b"Content-Disposition: attachment; filename=\"a.txt\"",
    b"Content-Disposition: inline; filename*=utf-8''%e2%82%ac.png",
    b"Content-ID: <i@example.org>",
    b" folded",
    b"no colon",
    b": no name",
    b"X-Long: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

/// What a part says that it is; those that begin with `multipart` have parts.
const MEDIA: [&str; 18] = [
    "text/plain; charset=utf-8",
    "text/plain; charset=iso-2022-jp",
    "text/plain; charset=utf-7",
    "text/plain; charset=shift_jis; format=flowed; delsp=yes",
    "text/html; charset=utf-8",
    "text/html",
    "text/calendar; method=REQUEST",
    "image/png; name=\"a.png\"",
    "application/octet-stream; name*0*=utf-8''%c3; name*1*=%a4",
    "application/ms-tnef; name=winmail.dat",
    "message/rfc822",
    "message/delivery-status",
    "multipart/mixed",
    "multipart/alternative",
    "multipart/related",
    "multipart/report; report-type=delivery-status",
    "multipart/digest",
    "multipart/signed",
];

/// Lines of bodies.
const LINES: [&[u8]; 24] = [
    b"",
    b"Hello,",
    b"it works. ",
    b"> quoted",
    b"> > twice",
    b"On Monday, Ada wrote:",
    b"-----Original Message-----",
    b"From: Ada",
    b"Sent: Monday",
    b"To: Bob",
    b"-- ",
    b"Ada",
    b"Sent from my phone",
    b"SGVsbG8=",
    b"gr=C3=BC=C3=9Fe=",
    b"<p>Hello <b>Ada</b>",
    b"<blockquote type=cite>",
    b"<div class=gmail_quote>On Monday, Ada wrote:<br>",
    b"</div></blockquote>",
    b"<img src=cid:i@example.org onerror=x>",
    b"Final-Recipient: rfc822; a@example.org",
    b"Action: failed",
    b"Status: 5.1.1",
    b"\x78\x9f\x3e\x22\x01\x00\x02\x0f\x80\x06\x00\x04\x00\x00\x00abcd",
];

const DEEPEST: usize = 6;
const LONGEST: usize = 64 * 1024;

/// A mail as `choices` choose it.
#[must_use]
pub fn mail(choices: &[u8]) -> Vec<u8> {
    let mut writer = Writer { choices, out: Vec::new(), end: b"\n" };
    if writer.choose(2) == 1 {
        writer.end = b"\r\n";
    }
    writer.part(0);
    writer.out
}

struct Writer<'c> {
    choices: &'c [u8],
    out: Vec<u8>,
    end: &'static [u8],
}

impl Writer<'_> {
    /// One of `of` ways; the first when there are no choices left.
    fn choose(&mut self, of: usize) -> usize {
        let Some((first, rest)) = self.choices.split_first() else { return 0 };
        self.choices = rest;
        usize::from(*first) % of
    }

    fn is_full(&self) -> bool {
        self.choices.is_empty() || self.out.len() > LONGEST
    }

    fn line(&mut self, line: &[u8]) {
        self.out.extend(line);
        self.out.extend(self.end);
    }

    fn part(&mut self, depth: usize) {
        for _ in 0..self.choose(8) {
            let field = self.choose(FIELDS.len());
            self.line(FIELDS[field]);
        }
        let chosen = self.choose(MEDIA.len());
        let media = MEDIA[chosen];
        if !media.starts_with("multipart") || depth >= DEEPEST {
            self.line(format!("Content-Type: {media}").as_bytes());
            self.line(b"");
            return if media == "message/rfc822" && depth < DEEPEST { self.part(depth + 1) } else { self.body() };
        }
        // Now and then one that never comes, or the one of the part around it.
        let declared = if self.choose(16) == 1 { depth + 1 } else { depth };
        self.line(format!("Content-Type: {media}; boundary=\"b{declared}\"").as_bytes());
        self.line(b"");
        for _ in 0..self.choose(5) {
            if self.is_full() {
                return;
            }
            self.line(format!("--b{depth}").as_bytes());
            self.part(depth + 1);
        }
        if self.choose(8) != 1 {
            self.line(format!("--b{depth}--").as_bytes());
        }
    }

    fn body(&mut self) {
        for _ in 0..self.choose(12) {
            if self.is_full() {
                return;
            }
            if self.choose(6) == 1 {
                let word = self.choose(WORDS.len());
                self.out.extend(WORDS[word]);
            }
            let line = self.choose(LINES.len());
            self.line(LINES[line]);
        }
    }
}
