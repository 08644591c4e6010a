//! Fills in the templates of one message, the tenant's own or those that are built in, as its channel takes them.

use handlebars::Context;
use serde::Serialize;
use serde_json::Value;
use switchboard_common::db::templates::{Overrides, Words};
use switchboard_common::domain::method::Method;
use switchboard_common::domain::reply_marker::REPLY_MARKER;

use super::language::Language;
use super::words::{self, Markup};
use super::{Approved, Content, File, RenderError, Template, clean, helpers, slack};
use crate::channels::pieces;

/// What a parameter of a WhatsApp template gets: its body takes 1024 characters with its own words.
const PARAMETER: usize = 900;

/// Subject, text and HTML of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// A message while it is being written.
pub(super) struct Page<'a> {
    template: Template,
    method: Method,
    language: Language<'a>,
    overrides: &'a Overrides,
    context: Context,
}

/// Subject, text or HTML of a tenant's words.
type Part = for<'w> fn(&'w Words) -> Option<&'w String>;

const SUBJECT: Part = |words| words.subject.as_ref();
const TEXT: Part = |words| words.text.as_ref();
const HTML: Part = |words| words.html.as_ref();

impl<'a> Page<'a> {
    pub fn new<V: Serialize>(
        template: Template,
        method: Method,
        language: Language<'a>,
        overrides: &'a Overrides,
        view: &V,
    ) -> Result<Self, RenderError> {
        Ok(Self { template, method, language, overrides, context: Context::wraps(view)? })
    }

    pub fn mail(&mut self) -> Result<Written, RenderError> {
        let subject = self.part(SUBJECT, Markup::Plain, "subject")?;
        let mut text = self.part(TEXT, Markup::Plain, "text")?;
        let own_text = self.is_own(TEXT);
        let mut html = if own_text && !self.is_own(HTML) {
            // It says what the text says, in the tenant's words and not in ours.
            self.set("written", Value::String(text.trim().to_owned()));
            words::built_in(Markup::Html, "email.of_text", &self.context)?
        } else {
            self.part(HTML, Markup::Html, "html")?
        };
        if self.template.layout() == "agent" {
            with_marker(&mut text, &mut html);
        }
        Ok(Written { subject, text, html })
    }

    /// A message on Slack. An answer is all text, so that it looks as its author wrote it.
    pub fn slack(&mut self, files: Vec<File>) -> Result<Content, RenderError> {
        let said = self.part(TEXT, Markup::Slack, "text")?;
        let said = said.trim();
        if self.template.is_answer() {
            return Ok(Content::Slack { text: self.whole(said, slack::LONGEST_TEXT)?, blocks: Value::Array(Vec::new()), files });
        }
        let header = self.maybe(SUBJECT, Markup::Plain, "subject")?;
        let context = if self.is_own(TEXT) { None } else { self.maybe(|_| None, Markup::Slack, "context")? };
        let more = self.language.catalogue.say("common.more", |_| None)?;
        let message = slack::message(header.as_deref(), context.as_deref(), said, &more);
        Ok(Content::Slack { text: message.0, blocks: message.1, files })
    }

    pub fn whatsapp(&mut self) -> Result<String, RenderError> {
        self.plain(pieces::WHATSAPP)
    }

    pub fn short_message(&mut self) -> Result<String, RenderError> {
        self.plain(pieces::SMS)
    }

    /// The account's approved template, with the text as its parameter: on one line, since parameters take no line
    /// breaks, tabs or runs of spaces
    /// (<https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>, 132012 and 131009).
    pub fn approved(&mut self, approved: Approved<'_>) -> Result<Content, RenderError> {
        let text = clean::line(&self.plain(pieces::WHATSAPP)?);
        let text = if self.template.is_answer() { self.whole(&text, PARAMETER)? } else { helpers::truncate(&text, PARAMETER) };
        let languages = approved.languages;
        let language = self.language.wanted().find_map(|locale| languages.get(locale)).or_else(|| languages.get("default"));
        let language = language.cloned().unwrap_or_else(|| self.language.catalogue.tag.replace('-', "_"));
        Ok(Content::WhatsappTemplate { name: approved.name.to_owned(), language, parameters: vec![text] })
    }

    /// A text without markup: one message, or of an answer as many as the channel makes of it.
    fn plain(&mut self, (longest, most): (usize, usize)) -> Result<String, RenderError> {
        let text = self.part(TEXT, Markup::Plain, "text")?;
        let text = text.trim();
        if !self.template.is_answer() {
            return Ok(fitting(text, longest));
        }
        if pieces::messages(text, (longest, most)).1 {
            return Err(RenderError::TooLong { method: self.method, length: text.chars().count(), most: longest * most });
        }
        Ok(text.to_owned())
    }

    /// An answer, which goes out whole or not at all.
    fn whole(&self, text: &str, most: usize) -> Result<String, RenderError> {
        let length = text.chars().count();
        if length > most { Err(RenderError::TooLong { method: self.method, length, most }) } else { Ok(text.to_owned()) }
    }

    fn is_own(&self, part: Part) -> bool {
        self.language.own(self.overrides, self.template, self.method, part).is_some()
    }

    fn maybe(&mut self, part: Part, markup: Markup, name: &str) -> Result<Option<String>, RenderError> {
        let is_there = self.is_own(part) || words::is_there(markup, &self.name(name));
        is_there.then(|| self.part(part, markup, name)).transpose()
    }

    fn part(&mut self, part: Part, markup: Markup, name: &str) -> Result<String, RenderError> {
        let own = self.language.own(self.overrides, self.template, self.method, part);
        let locale = own.and_then(|own| own.locale).unwrap_or(self.language.catalogue.tag);
        self.set("locale", Value::String(locale.to_owned()));
        Ok(match own {
            Some(own) => words::own(markup, own.source, &self.context)?,
            None => words::built_in(markup, &self.name(name), &self.context)?,
        })
    }

    fn name(&self, part: &str) -> String {
        format!("{}.{}.{part}", self.method, self.template.layout())
    }

    fn set(&mut self, key: &str, value: Value) {
        if let Value::Object(root) = self.context.data_mut() {
            root.insert(key.to_owned(), value);
        }
    }
}

/// Sees to it that a mail which may be answered has the line above which that is done, whatever the tenant's own words are:
/// without it what was told to an agent could be quoted to the client.
fn with_marker(text: &mut String, html: &mut String) {
    if !text.contains(REPLY_MARKER) {
        text.insert_str(0, &format!("{REPLY_MARKER}\n\n"));
    }
    if !html.contains(REPLY_MARKER) {
        let lower = html.to_ascii_lowercase();
        let body = lower.find("<body").and_then(|at| Some(at + lower[at..].find('>')? + 1));
        html.insert_str(body.unwrap_or(0), &format!("<p>{REPLY_MARKER}</p>\n"));
    }
}

/// As much of a text as a channel takes, in characters.
fn fitting(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    // A letter may take several characters.
    (0..=4).map(|halvings| helpers::truncate(text, most >> halvings)).find(|text| text.chars().count() <= most).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_for_its_channel_is_cut_to_fit() {
        assert_eq!(fitting("short", 10), "short");
        assert_eq!(fitting(&"x".repeat(20), 10), format!("{}…", "x".repeat(9)));
        let families = fitting(&"👩‍👩‍👧‍👦".repeat(100), 100);
        assert!(families.chars().count() <= 100 && families.starts_with("👩‍👩‍👧‍👦"), "{families}");
    }

    #[test]
    fn no_mail_to_an_agent_lacks_the_line_to_answer_above() {
        let marked = |html: &str| {
            let (mut text, mut html) = ("Hi".to_owned(), html.to_owned());
            with_marker(&mut text, &mut html);
            assert!(text.starts_with(REPLY_MARKER));
            html
        };
        assert!(marked("<html><BODY class=\"a\">Hi</body>").starts_with(&format!("<html><BODY class=\"a\"><p>{REPLY_MARKER}")));
        assert!(marked("Hi").starts_with(&format!("<p>{REPLY_MARKER}")));
        let has = format!("<p>{REPLY_MARKER}</p>");
        assert_eq!(marked(&has), has);
    }
}
