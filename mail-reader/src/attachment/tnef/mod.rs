//! winmail.dat: what Outlook sends when it believes that an Outlook reads it (MS-OXTNEF).
//!
//! A stream of attributes, some of which hold MAPI properties (`mapi`): here they become files and
//! a text. The text may be RTF (`rtf`), packed in a way of its own (`packed`), and the RTF may be
//! HTML in disguise; messages within become mails (`embedded`).

mod embedded;
mod mapi;
mod packed;
mod rtf;
#[cfg(test)]
mod tests;

use super::Found;
use crate::decode;
use crate::flags::Flags;
use crate::structure::Part;
use mapi::{Properties, Value, code_page_label};

const SIGNATURE: [u8; 4] = 0x223e_9f78_u32.to_le_bytes();
/// Messages within messages.
const DEEPEST: usize = 4;
const MOST_FILES: usize = 1000;
/// What the RTF may become when it is unpacked: packed text of a normal mail has a third of its size.
const LEAST_UNPACKED: usize = 1024 * 1024;

/// Attributes (MS-OXTNEF, 2.1.3.2), by id and type.
const BODY: u32 = 0x0002_800c;
const SUBJECT: u32 = 0x0001_8004;
const DATE_SENT: u32 = 0x0003_8005;
const CODE_PAGE: u32 = 0x0006_9007;
const MESSAGE_PROPERTIES: u32 = 0x0006_9003;
const FILE_BEGINS: u32 = 0x0006_9002;
const FILE_TITLE: u32 = 0x0001_8010;
const FILE_DATA: u32 = 0x0006_800f;
const FILE_PROPERTIES: u32 = 0x0006_9005;

/// What was in it.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) found: Vec<Found>,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    /// It ends within something.
    pub(crate) is_cut: bool,
}

/// Whether a part says, or its name does, that it is such.
pub(crate) fn is_tnef(part: &Part<'_>) -> bool {
    let media = &part.media;
    let is_named = || part.file_name().is_some_and(|name| name.trim().eq_ignore_ascii_case("winmail.dat"));
    media.is("application", "ms-tnef") || media.is("application", "vnd.ms-tnef") || (media.kind == "application" && is_named())
}

/// Unpacks it; `None` if it is no such thing, or nothing in it can be read.
pub(crate) fn read(bytes: &[u8], flags: &mut Flags) -> Option<Contents> {
    let message = Message::read(bytes, 0, flags)?;
    let mut contents = Contents { is_cut: message.is_cut, ..Contents::default() };
    (contents.text, contents.html) = message.body(flags);
    contents.found = message.files.into_iter().filter_map(|file| file.found(flags)).collect();
    let is_empty = contents.found.is_empty() && contents.text.is_none() && contents.html.is_none();
    (!is_empty || !contents.is_cut).then_some(contents)
}

/// The fields that a message has.
#[derive(Debug, Default)]
struct Header {
    code_page: u32,
    subject: String,
    sender: String,
    sender_address: String,
    to: String,
    date: Option<String>,
}

/// A message.
#[derive(Debug, Default)]
struct Message<'a> {
    fields: Header,
    text: Option<String>,
    html: Option<Body<'a>>,
    rtf: Option<&'a [u8]>,
    /// The code page of HTML that comes as bytes.
    html_code_page: u32,
    files: Vec<File<'a>>,
    is_cut: bool,
}

#[derive(Debug)]
enum Body<'a> {
    Text(String),
    Bytes(&'a [u8]),
}

/// A file within it.
#[derive(Debug, Default)]
struct File<'a> {
    title: String,
    name: String,
    media_type: String,
    content_id: Option<String>,
    data: &'a [u8],
    message: Option<Box<Message<'a>>>,
}

impl<'a> Message<'a> {
    fn read(bytes: &'a [u8], depth: usize, flags: &mut Flags) -> Option<Self> {
        // Behind the signature stands a key, which nobody needs.
        let mut rest = bytes.strip_prefix(&SIGNATURE)?.get(2..)?;
        let mut message = Self::default();
        message.fields.code_page = 1252;
        while !rest.is_empty() {
            let Some((id, data, after)) = attribute(rest) else {
                message.is_cut = true;
                message.files.pop_if(|file| file.data.is_empty());
                break;
            };
            message.add(id, data, depth, flags);
            rest = after;
        }
        Some(message)
    }

    fn add(&mut self, id: u32, data: &'a [u8], depth: usize, flags: &mut Flags) {
        let code_page = self.fields.code_page;
        let mut text = |data| mapi::narrow(data, code_page, flags);
        match id {
            CODE_PAGE => self.fields.code_page = mapi::number(data).unwrap_or(code_page),
            SUBJECT => self.fields.subject = text(data),
            BODY => self.text = Some(text(data)),
            DATE_SENT => self.fields.date = date(data),
            MESSAGE_PROPERTIES => self.add_properties(data, flags),
            FILE_BEGINS if self.files.len() < MOST_FILES => self.files.push(File::default()),
            FILE_BEGINS => self.is_cut = true,
            _ => {
                let Some(file) = self.files.last_mut() else { return };
                match id {
                    FILE_TITLE => file.title = text(data),
                    FILE_DATA => file.data = data,
                    FILE_PROPERTIES => self.is_cut |= !file.add_properties(data, code_page, depth, flags),
                    _ => {}
                }
            }
        }
    }

    fn add_properties(&mut self, data: &'a [u8], flags: &mut Flags) {
        let mut properties = Properties::new(data);
        let code_page = self.fields.code_page;
        for (id, value) in properties.by_ref() {
            let mut text = || value.text(code_page, flags);
            match id {
                mapi::BODY => self.text = Some(text()),
                mapi::SUBJECT => self.fields.subject = text(),
                mapi::SENDER_NAME => self.fields.sender = text(),
                mapi::SENDER_SMTP_ADDRESS => self.fields.sender_address = text(),
                mapi::SENDER_ADDRESS if self.fields.sender_address.is_empty() => self.fields.sender_address = text(),
                mapi::DISPLAY_TO => self.fields.to = text(),
                mapi::INTERNET_CODE_PAGE => self.html_code_page = value.number(),
                mapi::RTF_COMPRESSED => self.rtf = value.bytes(),
                mapi::HTML => self.html = Some(value.bytes().map_or_else(|| Body::Text(text()), Body::Bytes)),
                _ => {}
            }
        }
        self.is_cut |= properties.is_cut();
    }

    /// The text and the HTML, whichever there are.
    fn body(&self, flags: &mut Flags) -> (Option<String>, Option<String>) {
        let code_page = if self.html_code_page == 0 { self.fields.code_page } else { self.html_code_page };
        let mut html = match &self.html {
            Some(Body::Text(text)) => Some(text.clone()),
            Some(Body::Bytes(bytes)) => Some(decode::text(bytes, Some(code_page_label(code_page)), flags)),
            None => None,
        };
        let mut text = self.text.clone().filter(|text| !text.trim().is_empty());
        if let Some(packed) = self.rtf.filter(|_| html.is_none()) {
            let rtf = packed::unpack(packed, LEAST_UNPACKED.max(2 * packed.len())).unwrap_or_default();
            let read = rtf::read(&rtf, self.fields.code_page, flags);
            if read.is_html {
                html = Some(read.text);
            } else if text.is_none() {
                text = Some(read.text);
            }
        }
        let clean = |text: Option<String>| text.map(decode::clean).filter(|text| !text.trim().is_empty());
        (clean(text), clean(html))
    }
}

impl<'a> File<'a> {
    /// Whether all properties could be read.
    fn add_properties(&mut self, data: &'a [u8], code_page: u32, depth: usize, flags: &mut Flags) -> bool {
        let mut properties = Properties::new(data);
        for (id, value) in properties.by_ref() {
            let mut text = || value.text(code_page, flags);
            match id {
                mapi::ATTACH_LONG_FILENAME => self.name = text(),
                mapi::ATTACH_FILENAME | mapi::DISPLAY_NAME if self.name.is_empty() => self.name = text(),
                mapi::ATTACH_MIME_TAG => self.media_type = text(),
                mapi::ATTACH_CONTENT_ID => self.content_id = Some(text()),
                mapi::ATTACH_DATA => match value {
                    Value::Object(object) if depth < DEEPEST && mapi::is_message(object) => {
                        self.message = Message::read(mapi::within(object), depth + 1, flags).map(Box::new);
                        self.data = mapi::within(object);
                    }
                    Value::Object(object) => self.data = mapi::within(object),
                    Value::Binary(bytes) if self.data.is_empty() => self.data = bytes,
                    _ => {}
                },
                _ => {}
            }
        }
        !properties.is_cut()
    }

    fn name(&self) -> &str {
        if self.name.is_empty() { &self.title } else { &self.name }
    }

    fn found(self, flags: &mut Flags) -> Option<Found> {
        if let Some(message) = self.message {
            let name = if self.name.is_empty() { String::new() } else { format!("{}.eml", self.name.trim_end_matches(".msg")) };
            return Some(Found::named(&name, "message/rfc822", embedded::mail(&message, 0, flags), flags));
        }
        if self.data.is_empty() && self.name().is_empty() {
            return None;
        }
        let said = self.media_type.trim().to_ascii_lowercase();
        let is_type = said.split('/').filter(|half| !half.is_empty()).count() == 2 && said.bytes().all(|byte| byte.is_ascii_graphic());
        let said = if is_type && said.len() <= 100 { said } else { super::kind::UNKNOWN.to_owned() };
        let mut found = Found::named(self.name(), &said, self.data.to_vec(), flags);
        let id = self.content_id.map(|id| id.trim().trim_matches(['<', '>']).to_owned());
        found.attachment.content_id = id.filter(|id| !id.is_empty() && id.len() <= super::LONGEST_CONTENT_ID);
        Some(found)
    }
}

/// The first attribute: its id, its data, and what follows. Its checksum is not looked at: some
/// programs write a wrong one.
fn attribute(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (id, length) = (mapi::number(bytes.get(1..5)?)?, mapi::number(bytes.get(5..9)?)?);
    let end = usize::try_from(length).ok()?.checked_add(9)?;
    let data = bytes.get(9..end)?;
    // The last checksum may be missing.
    Some((id, data, bytes.get(end + 2..).unwrap_or_default()))
}

/// A date (MS-OXTNEF, 2.1.3.4: year, month, day, hour, minute, second), as a mail has it.
fn date(data: &[u8]) -> Option<String> {
    let field = |at: usize| Some(u32::from(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?)));
    let day = chrono::NaiveDate::from_ymd_opt(i32::try_from(field(0)?).ok()?, field(2)?, field(4)?)?;
    let moment = day.and_hms_opt(field(6)?, field(8)?, field(10)?)?;
    Some(moment.and_utc().to_rfc2822())
}
