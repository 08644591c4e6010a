//! The worst that can be sent: what a reader that is not careful takes the square of its size for, in
//! time or in memory. Each can be made of any size.

/// One such shape: what stands first, what comes again and again, and what stands last.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// What it is.
    pub name: &'static str,
    /// One of those that are tried at 25 MB too.
    pub worst: bool,
    head: &'static [u8],
    unit: Unit,
    tail: &'static [u8],
    most: usize,
}

#[derive(Debug, Clone, Copy)]
enum Unit {
    /// The same each time.
    Same(&'static [u8]),
    /// Each time another, by its number.
    Numbered(fn(usize) -> String),
}

impl Shape {
    const fn same(name: &'static str, head: &'static [u8], unit: &'static [u8]) -> Self {
        Self { name, worst: false, head, unit: Unit::Same(unit), tail: b"", most: usize::MAX }
    }

    const fn numbered(name: &'static str, head: &'static [u8], unit: fn(usize) -> String) -> Self {
        Self { name, worst: false, head, unit: Unit::Numbered(unit), tail: b"", most: usize::MAX }
    }

    /// HTML in which `unit` comes again and again; its own name.
    const fn html(unit: &'static str) -> Self {
        Self::same(unit, HTML, unit.as_bytes())
    }

    /// Text in which `unit` comes again and again; its own name.
    const fn text(unit: &'static str) -> Self {
        Self::same(unit, TEXT, unit.as_bytes())
    }

    const fn worst(self) -> Self {
        Self { worst: true, ..self }
    }

    const fn ending(self, tail: &'static [u8]) -> Self {
        Self { tail, ..self }
    }

    /// The mail of this shape that has `size` bytes, or a little more.
    #[must_use]
    pub fn mail(&self, size: usize) -> Vec<u8> {
        let mut mail = Vec::with_capacity(size + 4096);
        mail.extend_from_slice(self.head);
        let room = size.saturating_sub(self.head.len() + self.tail.len());
        match self.unit {
            Unit::Same(unit) => mail.append(&mut unit.repeat(room.div_ceil(unit.len()).min(self.most))),
            Unit::Numbered(unit) => {
                let end = mail.len() + room;
                let mut numbers = 0..self.most;
                while mail.len() < end
                    && let Some(number) = numbers.next()
                {
                    mail.extend_from_slice(unit(number).as_bytes());
                }
            }
        }
        mail.extend_from_slice(self.tail);
        mail
    }
}

const HTML: &[u8] = b"From: Ada <ada@example.org>\nSubject: x\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n";
const TEXT: &[u8] = b"From: Ada <ada@example.org>\nSubject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n";
const MIXED: &[u8] = b"From: Ada <ada@example.org>\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n";
const FROM: &[u8] = b"From: Ada <ada@example.org>\n";

/// Markup that is nested, or never ends.
pub const HTML_SHAPES: &[Shape] = &[
    Shape::html("<div>").worst(),
    Shape::html("<b>"),
    Shape::html("<p><span>x"),
    Shape::html("<table><tr><td>").worst(),
    Shape::html("<table><tr>x"),
    Shape::html("<blockquote>x").worst(),
    Shape::html("<blockquote type=cite>\n<br>"),
    Shape::html("<div class=gmail_quote>x").worst(),
    Shape::html("<hr><div id=divRplyFwdMsg><b>From:</b> x<br>"),
    Shape::html("<ul><li>"),
    Shape::html("<ol><li>x</li>"),
    Shape::html("<li>x"),
    Shape::html("<a href=http://example.org/>x"),
    Shape::html("<a><p>"),
    Shape::html("<b><i></b>x"),
    Shape::html("<div><object></div></object>"),
    Shape::html("<svg><math><mi>"),
    Shape::html("<template>"),
    Shape::html("<select><option>"),
    Shape::html("<pre>\n"),
    Shape::html("</div>"),
    Shape::html("</p>"),
    Shape::html("<").worst(),
    Shape::html("<!"),
    Shape::html("<!--"),
    Shape::html("<!-- x -").worst(),
    Shape::html("<!--[if mso]>x"),
    Shape::html("<![CDATA["),
    Shape::html("<?"),
    Shape::html("</"),
    Shape::html("<a "),
    Shape::html("<a b=\"").worst(),
    Shape::html("<a b='"),
    Shape::html("<a b=\">"),
    Shape::html("<script>"),
    Shape::html("<style>a{}</"),
    Shape::html("<style></style>"),
    Shape::html("<title>"),
    Shape::html("<textarea>"),
    Shape::html("<img src=\"cid:a\" alt=x>"),
    Shape::html("<br>"),
    Shape::html("<hr>"),
    Shape::html("<td>x"),
    Shape::html("&amp;").worst(),
    Shape::html("&"),
    Shape::html("&#"),
    Shape::html("&#x41;"),
    Shape::html("&notanentity"),
    Shape::html("&nbsp;"),
    Shape::html("&gt; x<br>"),
    Shape::html("x "),
    Shape::html("<x"),
    Shape::html(" \n"),
    Shape::same("attributes", b"Content-Type: text/html\n\n<p ", b"a=b "),
    Shape::numbered("attributes, each another", b"Content-Type: text/html\n\n<p ", |n| format!("a{n}=b ")).worst(),
    Shape::numbered("attributes of the body", HTML, |n| format!("<body a{n}=b>")),
    Shape::numbered("elements that do not exist", HTML, |n| format!("<x{n}>")),
    Shape::same("an attribute without end", b"Content-Type: text/html\n\n<p title=\"", b"x "),
    Shape::same("a style without end", b"Content-Type: text/html\n\n<p style=\"", b"color:red;"),
    Shape::same("an address without end", b"Content-Type: text/html\n\n<a href=\"http://", b"x/"),
    Shape::same("a wide table", b"Content-Type: text/html\n\n<table><tr>", b"<td>x</td>"),
    Shape::same(
        "a table of pictures",
        b"Content-Type: text/html\n\n<table>",
        b"<tr><td style='width:1px'><img src='http://e.org/x'></td></tr>",
    ),
    Shape::html("<p style=\"margin:0\">On Monday, Ada wrote:</p>"),
    Shape::same("a title that is long", b"Content-Type: text/html\n\n<p title=\"", b"x&amp;").ending(b"\">x"),
    Shape::same("a picture in the markup", b"Content-Type: text/html\n\n<img src=\"data:image/png;base64,", b"AAAA").ending(b"\">x"),
    Shape::numbered("pictures in the markup", HTML, |_| format!("<img src=\"data:image/png;base64,{}\">", "A".repeat(250_000))),
    Shape::same(
        "HTML of Cyrillic letters in one byte each",
        b"Content-Type: text/html; charset=windows-1251\n\n",
        b"\xcf\xf0\xe8\xe2\xe5\xf2<br>\n",
    ),
];

/// Lines that could begin, introduce or end a quote.
pub const TEXT_SHAPES: &[Shape] = &[
    Shape::text(">").worst(),
    Shape::text(">\n").worst(),
    Shape::text("> "),
    Shape::text("> > >x\n"),
    Shape::text("\n"),
    Shape::text(" \n"),
    Shape::text("x").worst(),
    Shape::text("x "),
    Shape::text("a\n\n"),
    Shape::text("On ").worst(),
    Shape::text("On x\n"),
    Shape::text("On a wrote:\n> b\n"),
    Shape::text("> b\nx\n"),
    Shape::text("> b\n\nOn a wrote:\n"),
    Shape::text("On Mon, 2 Mar 2026,\nAda Lovelace\n<ada@example.org>\nwrote:\n").worst(),
    Shape::text("wrote:\n"),
    Shape::text("Am 2. schrieb "),
    Shape::text("2026-03-02 10:00 GMT+01:00 Ada <ada@example.org>:\n"),
    Shape::text(": a@b1\n:"),
    Shape::text("@: : : : : : : : : : : : : : : : : : : : : : : : : : : : : : : :\n"),
    Shape::text("From: a\nTo:\n"),
    Shape::text("From: a\nSent: b\nTo: c\nSubject: d\n\n"),
    Shape::text("*Von:* a\n"),
    Shape::text("a: "),
    Shape::text("-----Original Message-----\n"),
    Shape::text("begin 644 a\n!80``\n`\nend\n").worst(),
    Shape::text("---------- Forwarded message ---------\n"),
    Shape::text("-"),
    Shape::text("- "),
    Shape::text("-- \n"),
    Shape::text("-- \nAda\n\n").worst(),
    Shape::text("_"),
    Shape::text("_____\n> x\n"),
    Shape::text("Write your answer above this\n"),
    Shape::text("> — Write your answer\n"),
    Shape::text("— Write your answer above this line —\n"),
    Shape::text("—"),
    Shape::text("Sent from my phone\n"),
    Shape::text("Best regards,\nAda\n"),
    Shape::text("http://example.org/ "),
    Shape::text("<ada@example.org> "),
    Shape::text("|"),
    Shape::text("é"),
    Shape::text("\u{200b}\u{a0}"),
    Shape::text("e\u{301}"),
    Shape::text("begin 644 x\n"),
    Shape::text("begin 644 x\nM\n`\nend\n"),
    Shape::text("BEGIN:VCALENDAR\n"),
    Shape::text("[1] "),
];

/// Parts without number, depth or end.
pub const STRUCTURE_SHAPES: &[Shape] = &[
    Shape::same("empty parts", MIXED, b"--b\n"),
    Shape::same("parts of text", MIXED, b"--b\n\nx\n").ending(b"--b--\n"),
    Shape::same("parts of HTML", MIXED, b"--b\nContent-Type: text/html\n\n<p>x\n").ending(b"--b--\n"),
    Shape::same("attachments", MIXED, b"--b\nContent-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\nAAAA\n").ending(b"--b--\n"),
    Shape::same("messages", MIXED, b"--b\nContent-Type: message/rfc822\n\nFrom: a@b.c\n\nx\n").ending(b"--b--\n"),
    Shape {
        most: 10_000,
        worst: true,
        ..Shape::numbered("ten thousand parts", MIXED, |n| {
            format!("--b\nContent-Type: text/plain; name={n}.txt\n\n{}\n", "text of a part, on lines\n".repeat(100))
        })
    },
    Shape::same("ends", MIXED, b"--b--\n"),
    Shape::same("what looks like delimiters", MIXED, b"--bb\n"),
    Shape::same("one delimiter", b"Content-Type: multipart/mixed; boundary=b\n\n--b", b" "),
    Shape::same("wrong boundaries", b"Content-Type: multipart/mixed; boundary=b0\n\n--b0\nContent-Type: multipart/mixed; boundary=b1\n\n--b1\nContent-Type: multipart/mixed; boundary=b2\n\n--b2\nContent-Type: multipart/mixed; boundary=b3\n\n--b3\nContent-Type: multipart/mixed; boundary=b4\n\n--b4\nContent-Type: multipart/mixed; boundary=b5\n\n--b5\nContent-Type: multipart/mixed; boundary=b6\n\n--b6\nContent-Type: multipart/mixed; boundary=b7\n\n--b7\n", b"--x\n").worst(),
    Shape::same("dashes", b"Content-Type: multipart/mixed; boundary=\"--\"\n\n", b"--"),
    Shape::same("dashes on lines", MIXED, b"--\n"),
    Shape::numbered("boundaries, each another", b"Content-Type: multipart/mixed\n\n", |n| format!("--{n}\nContent-Type: text/plain\n\nx\n")),
    Shape::same("boundaries that never come", MIXED, b"--b\nContent-Type: multipart/mixed; boundary=never\n\nhello\n").worst(),
    Shape::same("one boundary at every depth", MIXED, b"--b\nContent-Type: multipart/mixed; boundary=b\n\n"),
    Shape::numbered("nested", b"Content-Type: multipart/mixed; boundary=b0\n\n", |n| {
        format!("--b{n}\nContent-Type: multipart/mixed; boundary=b{}\n\n", n + 1)
    }).worst(),
    Shape::numbered("nested alternatives", b"Content-Type: multipart/alternative; boundary=b0\n\n", |n| {
        format!("--b{n}\n\ntext\n--b{n}\nContent-Type: multipart/alternative; boundary=b{}\n\n", n + 1)
    }),
    Shape::same("nested messages", b"", b"Content-Type: message/rfc822\n\n").worst(),
    Shape::numbered("nested messages of parts", b"", |n| {
        format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\nContent-Type: message/rfc822\n\n")
    }),
    Shape::same("a digest", b"Content-Type: multipart/digest; boundary=b\n\n", b"--b\n\nSubject: x\n\nx\n"),
    Shape::same("a report", b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/delivery-status\n\n", b"Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.1\n\n").worst(),
    Shape::same("a report of fields", b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/delivery-status\n\n", b"a:\n"),
    Shape::same("reports", b"Content-Type: multipart/report; boundary=b\n\n", b"--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.c\n\n"),
    Shape::same("a bounce in words", b"From: MAILER-DAEMON@example.org\nSubject: failure notice\n\n", b"<a@example.org>:\n550 no\n"),
    Shape::same("a calendar", b"Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n", b"BEGIN:VEVENT\nSUMMARY:x\nDTSTART:20260302T100000Z\nEND:VEVENT\n").worst(),
    Shape::same("a calendar that is folded", b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x", b"\n y"),
    Shape::same("a calendar that never ends", b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\n", b"BEGIN:VEVENT\n"),
    Shape::same("winmail.dat of nothing", b"Content-Type: application/ms-tnef; name=winmail.dat\n\n\x78\x9f\x3e\x22\x00\x00", b"\x02\x0f\x80\x06\x00\x00\x00\x00\x00\x00\x00"),
    Shape::same("winmail.dat of attachments", b"Content-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22\x00\x00", b"\x02\x02\x90\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x0f\x80\x06\x00\x01\x00\x00\x00x\x78\x00"),
    Shape::same("winmail.dat that lies", b"Content-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22\x00\x00", b"\x02\x0f\x80\x06\x00\xff\xff\xff\x7f").worst(),
    Shape::same("From lines", b"", b"From ada@example.org Mon Mar  2 10:00:00 2026\n"),
    Shape::same("NULs", b"", b"\0").worst(),
    Shape::same("bare CR", TEXT, b"\r").worst(),
    Shape::same("bare CR in the header", b"", b"Subject: x\r"),
    Shape::same("line ends", b"", b"\r\n"),
];

/// Headers without end.
pub const HEADER_SHAPES: &[Shape] = &[
    Shape::same("encoded words", b"Subject:", b" =?utf-8?q?x=C3=A4?=").worst(),
    Shape::same("encoded words on lines", b"Subject: x", b"\n =?utf-8?b?w6Q=?="),
    Shape::same("encoded words of all charsets", b"Subject: x", b" =?utf-7?q?+AOQ-?= =?iso-2022-jp?b?GyRCJUY=?="),
    Shape::same("encoded words, split characters", b"Subject: x", b" =?utf-8?b?w6?= =?utf-8?b?Q=?="),
    Shape::same("encoded words without end", b"Subject:", b" =?aa?q?x"),
    Shape::same("encoded words without text", b"Subject:", b"=?"),
    Shape::same("question marks", b"Subject: =?utf-8?q", b"?"),
    Shape::same("encoded words in From", b"From:", b" =?utf-8?q?x=C3=A4?=").worst(),
    Shape::same("encoded words without end in From", b"From:", b" =?aa?q?x"),
    Shape::same("encoded words in To", b"", b"To: =?utf-8?q?x?= <a@b.c>\n =?aa?q?x\n"),
    Shape::same("encoded words in parameters", b"Content-Type: text/plain; name=\"", b"=?utf-8?q?x?= ").worst(),
    Shape::same("subjects", b"", b"Subject: =?utf-8?q?x?=\n"),
    Shape::same("addresses", b"To: x", b", a@example.org"),
    Shape::numbered("addresses, each another", b"To: x", |n| format!(",\n a{n}@example.org")).worst(),
    Shape::numbered("fields of addresses", b"", |n| format!("To: a{n}@example.org\n")),
    Shape::same("senders", b"", b"From: nobody\n"),
    Shape::same("brackets", b"From: ", b"<"),
    Shape::same("comments", b"From: ", b"("),
    Shape::same("quotes", b"From: ", b"\""),
    Shape::same("backslashes", b"From: \"", b"\\"),
    Shape::same("groups", b"From: ", b"a:"),
    Shape::same("at signs", b"From: ", b"a@"),
    Shape::same("continuations of one name", b"Content-Type: text/plain", b"; name*0*=a"),
    Shape::numbered("continuations", b"Content-Type: text/plain", |n| format!(";\n name*{n}*=%c3%a4")).worst(),
    Shape::numbered("continuations backwards", b"Content-Disposition: attachment", |n| format!("; filename*{}=a", 9_999_999 - n)),
    Shape::numbered("parameters", b"Content-Type: text/plain", |n| format!("; a{n}=b")),
    Shape::same("semicolons", b"Content-Type: text/plain", b";"),
    Shape::same("a boundary without end", b"Content-Type: multipart/mixed; boundary=\"", b"b"),
    Shape::same("comments in a type", b"Content-Type: text/plain (", b"("),
    Shape::same("comments in a date", b"Date: ", b"("),
    Shape::same("numbers in a date", b"Date: Mon, ", b"1 "),
    Shape::same("references", b"References:", b" <a@b>"),
    Shape::numbered("references, each another", b"References: ", |n| format!("<{n}@example.org>\n ")).worst(),
    Shape::same("references without end", b"References:", b" <a@b"),
    Shape::same("fields of references", b"", b"References: <a@b>\n"),
    Shape::numbered("Message-IDs", b"", |n| format!("Message-ID: <{n}@b>\n")),
    Shape::same("a Message-ID without end", b"Message-ID: <", b"x").worst(),
    Shape::same("fields", b"", b"X: y\n"),
    Shape::numbered("fields, each another", b"", |n| format!("X-{n}: y\n")),
    Shape::same("fields without a colon", FROM, b"x\n"),
    Shape::same("colons", FROM, b":\n"),
    Shape::same("one field", FROM, b"x").worst(),
    Shape::same("folded lines", b"Subject: x", b"\n y"),
    Shape::same("folded lines of nothing", b"Subject: x", b"\n\t"),
    Shape::same("raw bytes", b"Subject: x", b"\xe4\xff "),
    Shape::same("escapes", b"Subject: x", b"\x1b$B\x1b(B"),
    Shape::same("Received", b"", b"Received: from a by b (c) for <d@e>;\n\tMon, 2 Mar 2026 10:00:00 +0100\n"),
];

/// What is encoded, or pretends to be.
pub const ENCODING_SHAPES: &[Shape] = &[
    Shape::same("base64", b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n", b"SGVsbG8s\n"),
    Shape::same("base64 on one line", b"Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n", b"PHA+"),
    Shape::same("base64 that is none", b"Content-Transfer-Encoding: base64\n\n", b"!-"),
    Shape::same("base64 of one to a line", b"Content-Transfer-Encoding: base64\n\n", b"A\n"),
    Shape::same("base64 of ends", b"Content-Transfer-Encoding: base64\n\n", b"="),
    Shape::same("quoted-printable", b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n", b"=C3=A4"),
    Shape::same("quoted-printable of =", b"Content-Transfer-Encoding: quoted-printable\n\n", b"=").worst(),
    Shape::same("quoted-printable of soft line ends", b"Content-Transfer-Encoding: quoted-printable\n\n", b"=\n"),
    Shape::same("quoted-printable of spaces", b"Content-Transfer-Encoding: quoted-printable\n\n", b" "),
    Shape::same("quoted-printable of spaces and =", b"Content-Transfer-Encoding: quoted-printable\n\n", b"= "),
    Shape::same("quoted-printable of NULs", b"Content-Transfer-Encoding: quoted-printable\n\n", b"=00"),
    Shape::same("uuencode", b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n", b"M1234567890\n"),
    Shape::same("UTF-7", b"Content-Type: text/plain; charset=utf-7\n\n", b"+AOQ-").worst(),
    Shape::same("UTF-7 of +", b"Content-Type: text/plain; charset=utf-7\n\n", b"+"),
    Shape::same("UTF-7 without end", b"Content-Type: text/plain; charset=utf-7\n\n+", b"AOQ"),
    Shape::same("ISO-2022-JP", b"Content-Type: text/plain; charset=iso-2022-jp\n\n", b"\x1b$B%F\x1b(B"),
    Shape::same("ISO-2022-JP of escapes", b"Content-Type: text/plain; charset=iso-2022-jp\n\n", b"\x1b$B").worst(),
    Shape::same("ISO-2022-KR", b"Content-Type: text/plain; charset=iso-2022-kr\n\n\x1b$)C", b"\x0e0!\x0f"),
    Shape::same("ISO-2022-CN", b"Content-Type: text/plain; charset=iso-2022-cn\n\n", b"\x1b$)A\x0e=\x0f"),
    Shape::same("HZ", b"Content-Type: text/plain; charset=hz-gb-2312\n\n", b"~{<:~}"),
    Shape::same("GB18030", b"Content-Type: text/plain; charset=gb18030\n\n", b"\x81\x30\x81\x30"),
    Shape::same("GB18030 of beginnings", b"Content-Type: text/plain; charset=gb18030\n\n", b"\x81"),
    Shape::same("Big5", b"Content-Type: text/plain; charset=big5\n\n", b"\xa4\xa4\xa4\xe5"),
    Shape::same("KOI8-R", b"Content-Type: text/plain; charset=koi8-r\n\n", b"\xf0\xd2\xc9 "),
    Shape::same("Latin-1", b"Content-Type: text/plain; charset=iso-8859-1\n\n", b"\xe4"),
    Shape::same("UTF-16", b"Content-Type: text/plain; charset=utf-16\n\n", b"a\0"),
    Shape::same("UTF-16 of halves", b"Content-Type: text/plain; charset=utf-16le\n\n", b"\0\xd8"),
    Shape::same("UTF-32", b"Content-Type: text/plain; charset=utf-32\n\n", b"a\0\0\0"),
    Shape::same("a charset that does not exist", b"Content-Type: text/plain; charset=x\n\n", b"\xe4 "),
    Shape::same("no charset", b"\n", b"\xe4\xf6 ").worst(),
    Shape::same("no charset, beginnings", b"\n", b"\xc3"),
    Shape::same("no charset, controls", b"\n", b"\x80\x01"),
    Shape::same("UTF-8 twice", TEXT, "Ã¤".as_bytes()),
    Shape::same("flowed", b"Content-Type: text/plain; format=flowed; delsp=yes\n\n", b"a \n").worst(),
    Shape::same("flowed quotes", b"Content-Type: text/plain; format=flowed\n\n", b"> a \n>> b \n"),
    Shape::same("flowed nothing", b"Content-Type: text/plain; format=flowed\n\n", b" \n"),
    Shape::same("flowed signatures", b"Content-Type: text/plain; format=flowed; delsp=yes\n\n", b"-- \n"),
    Shape::same("flowed >", b"Content-Type: text/plain; format=flowed\n\n", b">"),
    Shape::same("a byte order mark", TEXT, "\u{feff}".as_bytes()),
];

/// All of them, by what they are made of.
pub const ALL: [(&str, &[Shape]); 5] = [
    ("HTML", HTML_SHAPES),
    ("text", TEXT_SHAPES),
    ("structure", STRUCTURE_SHAPES),
    ("header", HEADER_SHAPES),
    ("encoding", ENCODING_SHAPES),
];
