//! What a support desk gets all day: short answers, newsletters, long threads, files, many languages.

use data_encoding::BASE64_MIME;
use rand::rngs::ChaCha20Rng;
use rand::{RngExt, SeedableRng};

const ENGLISH: &str = "thank you for the quick answer we have looked at the invoice again and found that the number on page two is not ours \
    could you please send it once more to the address below because the parcel arrived on Monday without the cable";
const GERMAN: &str = "vielen Dank für die schnelle Antwort leider hat die Lieferung wieder eine Woche länger gedauert können Sie bitte prüfen \
    ob das Gerät noch größer verfügbar wäre und was es ungefähr kosten würde";
const RUSSIAN: &str =
    "здравствуйте спасибо за быстрый ответ мы получили посылку в понедельник но внутри не было кабеля пришлите пожалуйста новый";
const JAPANESE: &str = "お世話に なっております 先日 注文した 商品が まだ 届いて いません 確認を お願い いたします";

/// Bytes with which each mail of a kind is made, always the same ones.
struct Writer(ChaCha20Rng);

/// Kinds of mail, each with its name and so many of its mails, about as much of each as comes in.
#[must_use]
pub fn kinds() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let mut writer = Writer(ChaCha20Rng::seed_from_u64(4));
    vec![
        ("short answers", (0..400).map(|_| writer.short_answer()).collect()),
        ("newsletters", (0..40).map(|_| writer.newsletter()).collect()),
        ("long threads", (0..30).map(|_| writer.thread()).collect()),
        ("many languages", (0..200).map(|number| writer.foreign(number)).collect()),
        ("attachments", (1..=5).map(|megabytes| writer.attachment(megabytes << 20)).collect()),
        ("pictures in HTML", (0..10).map(|_| writer.picture(200_000)).collect()),
    ]
}

/// The names of the mails that [`of_size`] makes.
pub const SIZED: &[&str] = &[
    "a text",
    "a text in base64",
    "a text in Latin-1",
    "a text in Cyrillic letters of one byte each",
    "a text in quoted-printable",
    "a text without a charset",
    "HTML",
    "HTML in base64",
    "HTML in Latin-1",
    "HTML that is mostly text",
    "quoted lines",
    "one attachment",
    "one picture in HTML",
    "text and HTML",
    "many files",
];

/// A realistic mail of about `size` bytes.
///
/// # Panics
///
/// When there is none of that name.
#[must_use]
pub fn of_size(name: &str, size: usize) -> Vec<u8> {
    let mut writer = Writer(ChaCha20Rng::seed_from_u64(size as u64));
    match name {
        "a text" => writer.whole("text/plain; charset=utf-8", "8bit", size, |writer| writer.lines(ENGLISH).into_bytes()),
        "a text in base64" => writer.whole("text/plain; charset=utf-8", "base64", size, |writer| base64(writer.lines(RUSSIAN).as_bytes())),
        "a text in Latin-1" => writer.whole("text/plain; charset=iso-8859-1", "8bit", size, |writer| latin_1(&writer.lines(GERMAN))),
        "a text in Cyrillic letters of one byte each" => {
            writer.whole("text/plain; charset=windows-1251", "8bit", size, |writer| windows_1251(&writer.lines(RUSSIAN)))
        }
        "a text in quoted-printable" => {
            writer.whole("text/plain; charset=utf-8", "quoted-printable", size, |writer| quoted_printable(writer.lines(RUSSIAN).as_bytes()))
        }
        "a text without a charset" => writer.whole("text/plain", "8bit", size, |writer| latin_1(&writer.lines(GERMAN))),
        "HTML" => writer.whole("text/html; charset=utf-8", "8bit", size, |writer| writer.card().into_bytes()),
        "HTML in base64" => writer.whole("text/html; charset=utf-8", "base64", size, |writer| base64(writer.card().as_bytes())),
        "HTML in Latin-1" => writer.whole("text/html; charset=iso-8859-1", "8bit", size, |writer| latin_1(&writer.card())),
        "HTML that is mostly text" => {
            writer.whole("text/html", "8bit", size, |writer| format!("<p>{}</p>\n", writer.lines(ENGLISH)).into_bytes())
        }
        "quoted lines" => writer.whole("text/plain", "7bit", size, |writer| format!("> {}\n", writer.sentence(ENGLISH, 9)).into_bytes()),
        "one attachment" => writer.attachment(size * 3 / 4),
        "one picture in HTML" => writer.picture(size * 3 / 4),
        "text and HTML" => writer.alternative(size),
        "many files" => writer.files(size),
        _ => panic!("there is no everyday mail {name:?}"),
    }
}

impl Writer {
    fn number(&mut self, below: usize) -> usize {
        self.0.random_range(0..below)
    }

    fn sentence(&mut self, vocabulary: &str, words: usize) -> String {
        let known: Vec<&str> = vocabulary.split_whitespace().collect();
        let chosen: Vec<&str> = (0..words).map(|_| known[self.number(known.len())]).collect();
        chosen.join(" ") + "."
    }

    /// Some lines of a paragraph.
    fn lines(&mut self, vocabulary: &str) -> String {
        let lines: Vec<String> = (0..5).map(|_| self.sentence(vocabulary, 10)).collect();
        lines.join("\r\n") + "\r\n\r\n"
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.fill(&mut bytes[..]);
        bytes
    }

    fn header(&mut self) -> String {
        let id = self.number(1 << 40);
        let path: Vec<String> = (0..4)
            .map(|hop| {
                format!(
                    "Received: from mx{hop}.example.org (mx{hop}.example.org [192.0.2.{hop}])\r\n\tby mail{hop}.example.net (Postfix) with ESMTPS \
                     id {id:X}\r\n\tfor <support@acme.example>; Mon, 2 Mar 2026 10:00:0{hop} +0100 (CET)\r\n"
                )
            })
            .collect();
        let signature = base64(&self.bytes(256)).escape_ascii().to_string().replace("\\r\\n", "\r\n\t ");
        format!(
            "{}DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=a; b={}\r\nFrom: Ada Lovelace <ada@example.org>\r\n\
             To: Support <support@acme.example>\r\nSubject: =?utf-8?Q?Re:_Lieferung_{id}_verz=C3=B6gert?=\r\nDate: Mon, 2 Mar 2026 10:00:00 +0100\r\n\
             Message-ID: <{id}@example.org>\r\nIn-Reply-To: <1.{id}@acme.example>\r\nReferences: <0.{id}@acme.example>\r\n <1.{id}@acme.example>\r\n\
             MIME-Version: 1.0\r\n",
            path.concat(),
            signature.trim_end()
        )
    }

    fn short_answer(&mut self) -> Vec<u8> {
        let quoted: Vec<String> = (0..12).map(|_| format!("> {}\r\n", self.sentence(ENGLISH, 10))).collect();
        let body = format!(
            "{}On Mon, 2 Mar 2026 at 09:12, Acme Support <support@acme.example> wrote:\r\n{}\r\n-- \r\nAda Lovelace\r\nExample Ltd.\r\n",
            self.lines(ENGLISH),
            quoted.concat()
        );
        format!("{}Content-Type: text/plain; charset=\"utf-8\"\r\n\r\n{body}", self.header()).into_bytes()
    }

    fn newsletter(&mut self) -> Vec<u8> {
        let cards: String = (0..60).map(|_| self.card()).collect();
        let html = format!(
            "<!DOCTYPE html><html><head><style>.a {{ color: red }} @media (max-width: 600px) {{ .b {{ width: 100% }} }}</style></head>\
             <body style=\"margin:0\"><table width=\"100%\">{cards}</table></body></html>"
        );
        let text = self.lines(ENGLISH);
        self.two_ways(&text, &html)
    }

    /// A row of a table as newsletters are built of.
    fn card(&mut self) -> String {
        let (number, words) = (self.number(1 << 30), self.sentence(GERMAN, 25));
        format!(
            "<tr><td align=\"center\" style=\"padding: 10px 0 10px 0; font-family: Arial, sans-serif; color: #333333\" class=\"a b\">\r\n\
             <a href=\"https://click.example.org/{number:x}?u=1&amp;v=2\" style=\"text-decoration:none\">\
             <img src=\"https://img.example.org/{number}.png\" width=\"600\" height=\"200\" alt=\"Angebot {number}\" border=\"0\"></a>\r\n\
             <p style=\"margin: 0\"><b>Angebot</b>&nbsp;&middot; {words}</p></td></tr>\r\n"
        )
    }

    fn thread(&mut self) -> Vec<u8> {
        let mails: Vec<String> = (0..15)
            .map(|number| {
                let words = self.sentence(ENGLISH, 60);
                format!(
                    "<hr tabindex=\"-1\" style=\"display:inline-block; width:98%\"><div id=\"divRplyFwdMsg\" dir=\"ltr\"><font face=\"Calibri, sans-serif\" \
                     style=\"font-size:11pt\" color=\"#000000\"><b>From:</b> Ada &lt;ada@example.org&gt;<br><b>Sent:</b> Monday, March {number}, 2026<br>\
                     <b>To:</b> Support &lt;support@acme.example&gt;<br><b>Subject:</b> Re: Delivery</font><div>&nbsp;</div></div>\r\n\
                     <div class=\"WordSection1\"><p class=\"MsoNormal\"><span style=\"font-size:11.0pt;font-family:&quot;Calibri&quot;,sans-serif\">{words}\
                     <o:p></o:p></span></p></div>\r\n"
                )
            })
            .collect();
        let html =
            format!("<html><head><meta charset=\"utf-8\"></head><body><div>Hello, please see below.</div>{}</body></html>", mails.concat());
        let text: Vec<String> = (0..15)
            .map(|_| format!("From: Ada\r\nSent: Monday\r\nTo: Support\r\nSubject: Re: Delivery\r\n\r\n{}", self.lines(ENGLISH)))
            .collect();
        self.two_ways(&text.concat(), &html)
    }

    fn two_ways(&mut self, text: &str, html: &str) -> Vec<u8> {
        let text = quoted_printable(text.as_bytes());
        let html = quoted_printable(html.as_bytes());
        let mut mail = format!("{}Content-Type: multipart/alternative; boundary=\"b1\"\r\n\r\n", self.header()).into_bytes();
        for (subtype, body) in [("plain", text), ("html", html)] {
            mail.extend(
                format!("--b1\r\nContent-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
                    .bytes(),
            );
            mail.extend(body);
            mail.extend(b"\r\n");
        }
        mail.extend(b"--b1--\r\n");
        mail
    }

    fn foreign(&mut self, number: usize) -> Vec<u8> {
        let (charset, encoding, body) = match number % 4 {
            0 => ("iso-8859-1", "8bit", latin_1(&self.lines(GERMAN).repeat(3))),
            1 => ("utf-8", "base64", base64(self.lines(JAPANESE).repeat(3).as_bytes())),
            2 => ("utf-8", "quoted-printable", quoted_printable(self.lines(RUSSIAN).repeat(3).as_bytes())),
            _ => ("windows-1251", "8bit", windows_1251(&self.lines(RUSSIAN).repeat(3))),
        };
        let mut mail =
            format!("{}Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n", self.header())
                .into_bytes();
        mail.extend(body);
        mail
    }

    fn whole(&mut self, media: &str, encoding: &str, size: usize, mut piece: impl FnMut(&mut Self) -> Vec<u8>) -> Vec<u8> {
        let mut mail = Vec::with_capacity(size + 8192);
        mail.extend(format!("{}Content-Type: {media}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n", self.header()).bytes());
        // Made once, so that a large mail is made quickly.
        let pieces: Vec<Vec<u8>> = (0..16).map(|_| piece(self)).collect();
        for piece in pieces.iter().cycle() {
            if mail.len() >= size {
                break;
            }
            mail.extend(piece);
        }
        mail
    }

    fn mixed(&mut self, text: &str, media: &str, data: &[u8]) -> Vec<u8> {
        let encoded = base64(data);
        let mut mail = Vec::with_capacity(encoded.len() + text.len() + 8192);
        mail.extend(
            format!("{}Content-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n--b1\r\n{text}\r\n--b1\r\n{media}\r\n\r\n", self.header())
                .bytes(),
        );
        mail.extend(encoded);
        mail.extend(b"--b1--\r\n");
        mail
    }

    fn attachment(&mut self, size: usize) -> Vec<u8> {
        let (text, data) = (self.lines(ENGLISH), self.bytes(size));
        let media = "Content-Type: application/pdf; name=\"Rechnung.pdf\"\r\nContent-Disposition: attachment; filename=\"Rechnung.pdf\"\r\n\
                     Content-Transfer-Encoding: base64";
        self.mixed(&format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}"), media, &data)
    }

    fn picture(&mut self, size: usize) -> Vec<u8> {
        let (words, data) = (self.sentence(GERMAN, 50), self.bytes(size));
        let text = format!("Content-Type: text/html; charset=utf-8\r\n\r\n<p>{words}</p><img src=\"cid:p@example.org\">");
        let media = "Content-Type: image/png; name=\"p.png\"\r\nContent-Disposition: inline; filename=\"p.png\"\r\nContent-ID: <p@example.org>\r\n\
                     Content-Transfer-Encoding: base64";
        self.mixed(&text, media, &data)
    }

    fn alternative(&mut self, size: usize) -> Vec<u8> {
        let text = self.lines(ENGLISH).repeat(size / 3 / 400);
        let html = self.card().repeat(size / 800);
        self.two_ways(&text, &html)
    }

    fn files(&mut self, size: usize) -> Vec<u8> {
        let mut mail = Vec::with_capacity(size + 8192);
        mail.extend(format!("{}Content-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n", self.header()).bytes());
        for number in 0..400 {
            let data = base64(&self.bytes(size * 3 / 4 / 400));
            mail.extend(
                format!("--b1\r\nContent-Type: image/png; name=\"{number}.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\n").bytes(),
            );
            mail.extend(data);
        }
        mail.extend(b"--b1--\r\n");
        mail
    }
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    BASE64_MIME.encode(bytes).into_bytes()
}

fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 3 / 2);
    let mut width = 0;
    for byte in bytes {
        let plain = matches!(byte, b' '..=b'~' if *byte != b'=') || matches!(byte, b'\r' | b'\n');
        let length = if plain { 1 } else { 3 };
        if *byte == b'\n' {
            width = 0;
        } else if width + length > 75 {
            out.extend(b"=\r\n");
            width = 0;
        }
        width += length;
        if plain {
            out.push(*byte);
        } else {
            out.extend(format!("={byte:02X}").bytes());
        }
    }
    out
}

/// Of characters that Latin-1 has.
fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

/// Of Russian letters and ASCII.
fn windows_1251(text: &str) -> Vec<u8> {
    let byte = |c: char| match u32::from(c) {
        code @ 0..=127 => u8::try_from(code).unwrap_or(b'?'),
        code @ 0x410..=0x44f => u8::try_from(code - 0x410 + 0xc0).unwrap_or(b'?'),
        _ => b'?',
    };
    text.chars().map(byte).collect()
}
