//! Addresses (RFC 5322, 3.4 and 4.4; RFC 6532): as the standard has them, and as programs and people
//! write them. The field is split while it is still encoded, so that what a name decodes to is
//! never taken for an address beside it.

use super::specification::{SCHEMES, is_override, specification, unescaped};
use super::{one_line, words};
use crate::flags::{Flag, Flags};
use crate::mailbox::Mailbox;

/// Of longer fields only so much is read, and no more mailboxes are kept of one.
const LONGEST_FIELD: usize = 1024 * 1024;
const MOST_MAILBOXES: usize = 10_000;
/// A name is cut to so many bytes; it is read from no more than these.
const LONGEST_NAME: usize = 200;
const LONGEST_ENCODED_NAME: usize = 4 * 1024;
/// An address outside of brackets is looked for in so much text.
const LONGEST_BARE: usize = 8 * 1024;
/// After so many parentheses or quotes that are never closed, they mean nothing in this field.
const MOST_UNCLOSED: u8 = 8;

/// The addresses in a field such as From or To, as they stand there. What is no address is left out.
pub(crate) fn mailboxes(value: &[u8], flags: &mut Flags) -> Vec<Mailbox> {
    let mut value = value;
    if value.len() > LONGEST_FIELD {
        flags.note(Flag::CutRecipients);
        value = &value[..LONGEST_FIELD];
        value = &value[..value.iter().rposition(|byte| *byte == b',').unwrap_or(value.len())];
    }
    read(value, flags, true)
}

fn read(value: &[u8], flags: &mut Flags, look_into_words: bool) -> Vec<Mailbox> {
    let groups = value.contains(&b';');
    let mut reader = Reader { value, at: 0, groups, unclosed: 0, one: One::default(), found: Vec::new(), look_into_words, flags };
    reader.run();
    reader.found
}

/// What was read of one mailbox so far.
#[derive(Default)]
struct One {
    /// Before the address in angle brackets: what may be a name, without quotes, still encoded.
    before: Vec<u8>,
    after: Vec<u8>,
    /// The latest comment.
    comment: Vec<u8>,
    /// The address in angle brackets.
    email: Option<String>,
    /// Text outside of brackets as it stands, where an address without brackets may be, and whether it has
    /// an `@`.
    bare: Vec<u8>,
    at_sign: bool,
    /// Something in it was quoted.
    quoted: bool,
}

impl One {
    fn push_name(&mut self, bytes: &[u8]) {
        let name = if self.email.is_some() { &mut self.after } else { &mut self.before };
        // A name begins with no blanks, or each comma after them would look through them anew.
        let bytes = if name.is_empty() { bytes.trim_ascii_start() } else { bytes };
        if name.len() + bytes.len() <= LONGEST_ENCODED_NAME {
            name.extend_from_slice(bytes);
        }
    }

    fn push_bare(&mut self, bytes: &[u8]) {
        if self.email.is_none() {
            let bytes = &bytes[..bytes.len().min(LONGEST_BARE - self.bare.len())];
            self.bare.extend_from_slice(bytes);
            self.at_sign |= bytes.contains(&b'@');
        }
    }

    fn push_text(&mut self, bytes: &[u8]) {
        self.push_name(bytes);
        self.push_bare(bytes);
    }
}

struct Reader<'a, 'f> {
    value: &'a [u8],
    at: usize,
    /// A semicolon somewhere: a colon may begin a group.
    groups: bool,
    unclosed: u8,
    one: One,
    found: Vec<Mailbox>,
    /// Whether to look for an address within encoded words where there is none beside them.
    look_into_words: bool,
    flags: &'f mut Flags,
}

impl Reader<'_, '_> {
    fn run(&mut self) {
        while let Some((byte, after)) = self.value[self.at..].split_first() {
            if self.found.len() >= MOST_MAILBOXES {
                self.flags.note(Flag::CutRecipients);
                return;
            }
            let rest = &self.value[self.at..];
            let taken = match byte {
                b'"' => Some(self.quoted(rest)),
                b'(' => self.comment(rest),
                b'<' => Some(self.angle(rest)),
                b'>' => Some(1),
                b',' => Some(self.comma()),
                b';' => Some(self.finish()),
                b':' => self.colon(),
                b'=' => words::length(rest).inspect(|length| self.one.push_text(&rest[..*length])),
                _ => None,
            };
            self.at += taken.unwrap_or_else(|| {
                let length = 1 + after.iter().position(|byte| b"\"(<>,;:=".contains(byte)).unwrap_or(after.len());
                self.one.push_text(&rest[..length]);
                length
            });
        }
        self.finish();
    }

    /// A quoted string, or a quote that opens nothing.
    fn quoted(&mut self, rest: &[u8]) -> usize {
        let closed = if self.unclosed < MOST_UNCLOSED { closing(rest, b'"', b'"') } else { None };
        // A quote that was never closed would else swallow the mailboxes up to the next name's.
        let swallows = |end: &usize| {
            rest[..*end].contains(&b'<') && rest.get(end + 1).is_some_and(|next| next.is_ascii_alphanumeric() || *next >= 0x80)
        };
        let Some(end) = closed.filter(|end| !swallows(end)) else {
            self.unclosed = self.unclosed.saturating_add(u8::from(closed.is_none()));
            self.one.push_bare(b" ");
            return 1;
        };
        // Quotes within quotes that nobody escaped say nothing.
        self.one.quoted |= !rest.get(end + 1).is_some_and(|next| is_word(*next));
        self.one.push_name(&unescaped(&rest[1..end]));
        self.one.push_bare(&rest[..=end]);
        end + 1
    }

    /// A comment; `None` where the parenthesis is only a character.
    fn comment(&mut self, rest: &[u8]) -> Option<usize> {
        let closed = if self.unclosed < MOST_UNCLOSED { closing(rest, b'(', b')') } else { None };
        let Some(end) = closed else {
            self.unclosed = self.unclosed.saturating_add(1);
            return None;
        };
        self.one.comment = unescaped(&rest[1..end.min(LONGEST_ENCODED_NAME)]);
        self.one.push_text(b" ");
        Some(end + 1)
    }

    /// An address in angle brackets, or what else they hold.
    fn angle(&mut self, rest: &[u8]) -> usize {
        let (inner, length) = within_angles(rest);
        let folded = || inner.contains(&b'\n').then(|| words::without_folds(inner));
        let email = specification(inner, self.flags).or_else(|| specification(&folded()?, self.flags));
        if email.is_none() {
            self.one.push_text(b" ");
            return length;
        }
        if self.one.email.is_some() {
            // No comma between two: what came between is the name of the second.
            let before = std::mem::take(&mut self.one.after);
            self.finish();
            self.one.before = before;
        }
        self.one.email = email;
        length
    }

    /// Ends a mailbox; where it is none yet, it may be the half of a name (`Lovelace, Ada <…>`).
    fn comma(&mut self) -> usize {
        let one = &mut self.one;
        let half = one.email.is_none() && !one.at_sign && !one.quoted;
        let bare = one.bare.trim_ascii();
        if !half || (words::length(bare) == Some(bare.len()) && hidden(bare, self.look_into_words).is_some()) {
            return self.finish();
        }
        if !one.before.trim_ascii().is_empty() {
            one.push_name(b",");
        }
        one.bare.clear();
        one.comment.clear();
        1
    }

    /// A colon after a group's name; `None` where it is part of something.
    fn colon(&mut self) -> Option<usize> {
        let one = &self.one;
        let scheme = || SCHEMES.iter().any(|scheme| one.bare.trim_ascii().eq_ignore_ascii_case(scheme.trim_end_matches(':').as_bytes()));
        if !self.groups || one.email.is_some() || one.at_sign || scheme() {
            return None;
        }
        self.one = One::default();
        Some(1)
    }

    /// Ends a mailbox, and what was before it.
    fn finish(&mut self) -> usize {
        let one = std::mem::take(&mut self.one);
        if let Some(email) = one.email {
            let name = [one.before, one.after, one.comment].iter().find_map(|name| self.name(name, &email));
            self.found.push(Mailbox { name, email });
        } else if one.at_sign {
            self.bare(&one);
        } else if let Some(hidden) = hidden(&one.bare, self.look_into_words) {
            self.found.extend(hidden);
        }
        1
    }

    /// A display name, if there is one that says more than the address.
    fn name(&mut self, encoded: &[u8], email: &str) -> Option<String> {
        let name = display_name(&words::decoded(encoded, self.flags));
        (!name.is_empty() && !name.eq_ignore_ascii_case(email)).then_some(name)
    }

    /// Addresses without brackets: one, or several with only white space between them.
    fn bare(&mut self, one: &One) {
        // White space around dots is an old way to write an address, but after "Dr." a word begins.
        let abbreviates = one.bare.windows(3).any(|three| !three[0].is_ascii_whitespace() && three[1] == b'.' && three[2] == b' ');
        if let Some(email) = if abbreviates { None } else { specification(&one.bare, self.flags) } {
            let name = self.name(&one.comment, &email);
            self.found.push(Mailbox { name, email });
            return;
        }
        let (mut name, mut after) = (Vec::new(), Vec::new());
        let mut emails = Vec::new();
        for word in one.bare.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
            if let Some(email) = specification(word, self.flags) {
                emails.push(email);
                continue;
            }
            let name = if emails.is_empty() { &mut name } else { &mut after };
            if name.len() < LONGEST_ENCODED_NAME {
                name.extend_from_slice(word);
                name.push(b' ');
            }
        }
        let named = emails.len() == 1 && !name.trim_ascii().ends_with(b":");
        let name = if named { self.name(&name, &emails[0]).or_else(|| self.name(&after, &emails[0])) } else { None };
        self.found.extend(emails.into_iter().map(|email| Mailbox { name: name.clone(), email }));
    }
}

/// The mailboxes that encoded words hide, where nothing else names one.
fn hidden(bare: &[u8], look: bool) -> Option<Vec<Mailbox>> {
    let bare = bare.trim_ascii();
    if !look || !bare.starts_with(b"=?") {
        return None;
    }
    let flags = &mut Flags::default();
    let found = read(words::decoded(bare, flags).as_bytes(), flags, false);
    (!found.is_empty()).then_some(found)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Where what begins `bytes` is closed again, quoted pairs and nested comments passed over.
fn closing(bytes: &[u8], open: u8, close: u8) -> Option<usize> {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate().skip(1) {
        if std::mem::take(&mut escaped) {
            continue;
        }
        if *byte == b'\\' {
            escaped = true;
        } else if *byte == close {
            if depth == 0 {
                return Some(index);
            }
            depth -= 1;
        } else if *byte == open {
            depth += 1;
        }
    }
    None
}

/// What stands in angle brackets, and how many bytes they take with it. A bracket that is never
/// closed ends before the next mailbox; doubled ones count once.
fn within_angles(bytes: &[u8]) -> (&[u8], usize) {
    let from = bytes.iter().position(|byte| !matches!(byte, b'<' | b' ' | b'\t')).unwrap_or(bytes.len());
    let route = bytes.get(from) == Some(&b'@');
    let mut quoted = false;
    for (index, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'"' => quoted = !quoted && bytes[index + 1..].iter().take(80).any(|byte| *byte == b'"'),
            b'>' if !quoted => return (&bytes[from..index], index + 1),
            b'<' | b';' if !quoted => return (&bytes[from..index], index),
            b',' if !quoted && !route => return (&bytes[from..index], index),
            _ => {}
        }
    }
    (&bytes[from..], bytes.len())
}

/// A name as it can be shown: one line, without quotes around it.
fn display_name(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !is_override(*c)).collect();
    let line = one_line(&shown, LONGEST_NAME);
    let mut name = line.trim_end_matches([' ', ',']);
    loop {
        let inner = |quote: char| name.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.contains(quote));
        if let Some(inner) = ['"', '\'', '`'].into_iter().find_map(inner) {
            name = inner.trim();
        } else if name.matches('"').count() == 1 && (name.starts_with('"') || name.ends_with('"')) {
            name = name.trim_matches('"').trim();
        } else {
            break;
        }
    }
    if name.chars().all(|c| "\"'` ".contains(c)) { String::new() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(value: &[u8]) -> (Vec<String>, Vec<Flag>) {
        let mut flags = Flags::default();
        (mailboxes(value, &mut flags).iter().map(ToString::to_string).collect(), flags.into_vec())
    }

    /// Each line is a field, and what stands in it, with `|` between.
    fn assert_read(cases: &[(&str, &str)]) {
        for (value, expected) in cases {
            assert_eq!(read_all(value.as_bytes()), (expected.split_terminator('|').map(str::to_owned).collect(), vec![]), "{value}");
        }
    }

    #[test]
    fn mailboxes_are_read_as_the_standard_has_them() {
        assert_read(&[
            (" Ada <ADA@example.org>, \"B, C\" <b@example.org>", "Ada <ada@example.org>|B, C <b@example.org>"),
            ("ada@example.org (Ada Lovelace)", "Ada Lovelace <ada@example.org>"),
            ("(boss) Ada (really) <ada@example.org> (x)", "Ada <ada@example.org>"),
            ("Joe \"Q.\" Public <j@example.org>", "Joe Q. Public <j@example.org>"),
            ("\"Ada \\\"Countess\\\" Lovelace\" <a@x.org>", "Ada \"Countess\" Lovelace <a@x.org>"),
            ("team: a@x.org, B <b@x.org>;, c@x.org", "<a@x.org>|B <b@x.org>|<c@x.org>"),
            ("undisclosed-recipients:;", ""),
            ("<@relay.org,@other.org:ada@x.org>", "<ada@x.org>"),
            ("\"ada l\"@x.org, \"bob\"@x.org", "<\"ada l\"@x.org>|<bob@x.org>"),
            ("ada . lovelace @ x . org", "<ada.lovelace@x.org>"),
            ("ada@[192.0.2.1], eve@[IPv6:2001:db8::1]", "<ada@[192.0.2.1]>|<eve@[ipv6:2001:db8::1]>"),
            ("Ünal <ünal@bücher.example>", "Ünal <ünal@bücher.example>"),
            ("=?utf-8?q?J=C3=BCrgen?=\r\n =?utf-8?q?_M=C3=BCller?= <j@x.org>", "Jürgen Müller <j@x.org>"),
            ("=?utf-8?q?Ada=2C_Eve_=3Ceve=40x=2Eorg=3E?= <ada@x.org>", "Ada, Eve <eve@x.org> <ada@x.org>"),
            ("<>, , a@x.org,", "<a@x.org>"),
        ]);
    }

    #[test]
    fn mailboxes_are_read_as_programs_and_people_write_them() {
        assert_read(&[
            ("Lovelace, Ada <a@x.org>, Babbage, Charles <b@x.org>", "Lovelace, Ada <a@x.org>|Babbage, Charles <b@x.org>"),
            ("=?utf-8?Q?M=C3=BCller, J?= <a@x.org>", "Müller, J <a@x.org>"),
            ("Ada [Sales] <a@x.org>; Ada @ Acme <b@x.org>", "Ada [Sales] <a@x.org>|Ada @ Acme <b@x.org>"),
            ("Shop: Orders <o@x.org>", "Shop: Orders <o@x.org>"),
            ("ada@x.org <ada@x.org>, \"ada@x.org\" <b@y.org>", "<ada@x.org>|ada@x.org <b@y.org>"),
            ("<<a@x.org>>, Ada <b@x.org, c@x.org>, Eve <d@x.org", "<a@x.org>|Ada <b@x.org>|<c@x.org>|Eve <d@x.org>"),
            ("<mailto:a@x.org>, mailto:b@x.org?subject=x, <MAILTO: c@x.org>", "<a@x.org>|<b@x.org>|<c@x.org>"),
            ("'Ada' <'ada@x.org'>, \"'Eve'\" <eve@x.org>, 'bob@x.org'", "Ada <ada@x.org>|Eve <eve@x.org>|<bob@x.org>"),
            ("\"Ada \"Best, Ever\" Lovelace\" <a@x.org>", "Ada Best, Ever Lovelace <a@x.org>"),
            ("\"No Address\", Bob <b@x.org>", "Bob <b@x.org>"),
            ("\"\" <a@x.org>, \"''\" <b@x.org>", "<a@x.org>|<b@x.org>"),
            ("< a@x.org >, <b@x.\r\n org>, c@x.org.", "<a@x.org>|<b@x.org>|<c@x.org>"),
            ("Ada Lovelace ada@x.org", "Ada Lovelace <ada@x.org>"),
            ("ada@x.org Ada Lovelace", "Ada Lovelace <ada@x.org>"),
            ("Dr. ada@x.org", "Dr. <ada@x.org>"),
            ("a@x.org b@x.org\r\n c@x.org", "<a@x.org>|<b@x.org>|<c@x.org>"),
            ("Ada <a@x.org> Bob <b@x.org>", "Ada <a@x.org>|Bob <b@x.org>"),
            ("<a@x.org> Ada", "Ada <a@x.org>"),
            ("\"Ada <a@x.org>, \"Bob\" <b@x.org>", "Ada <a@x.org>|Bob <b@x.org>"),
            ("I <3 mail <a@x.org>", "I <a@x.org>"),
            ("Ada (Sales <a@x.org>, b@x.org", "Ada (Sales <a@x.org>|<b@x.org>"),
            ("=?utf-8?q?Ada_=3Cada=40x=2Eorg=3E?=, b@x.org", "Ada <ada@x.org>|<b@x.org>"),
            ("Ada <=?utf-8?q?ada=40x=2Eorg?=>", "Ada <ada@x.org>"),
            ("\"=?utf-8?q?J=C3=BCrgen?=\" <j@x.org>", "Jürgen <j@x.org>"),
            ("Ada\u{202e}\u{7} L <a@x.org>", "Ada L <a@x.org>"),
            ("ada..l.@mobile.example", "<ada..l.@mobile.example>"),
            ("root, undisclosed, ada@x.org", "<ada@x.org>"),
            ("/o=Acme/ou=X/cn=ada, IMCEAEX-_o=Acme@x.org, /G=Ada/S=L/@gate.org", ""),
            ("root", ""),
            ("a@b@c.org, @x.org, a@, a@.org, a@x..org", ""),
        ]);
    }

    #[test]
    fn of_a_field_beyond_measure_the_beginning_is_read() {
        let (found, flags) = read_all("Ada <a@x.org>,".repeat(100_000).as_bytes());
        assert_eq!((found.len(), flags), (MOST_MAILBOXES, vec![Flag::CutRecipients]));
        let (found, flags) = read_all(format!("a@x.org,{}b@x.org", " ".repeat(LONGEST_FIELD)).as_bytes());
        assert_eq!((found, flags), (vec!["<a@x.org>".to_owned()], vec![Flag::CutRecipients]));
        let begun = std::time::Instant::now();
        for _ in 0..20 {
            assert_eq!(read_all(format!("{} Ada <a@x.org>", " ,".repeat(LONGEST_FIELD / 2 - 20)).as_bytes()).0, ["Ada <a@x.org>"]);
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
