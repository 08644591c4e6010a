//! The templates, embedded: subject, text and HTML for each event and audience.

use std::sync::LazyLock;

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};
use serde::Serialize;

use super::RenderError;

/// What somebody reads of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Template {
    /// A new ticket, for those who answer for it.
    TicketCreatedAgent,
    /// The acknowledgement of a new ticket, for its client.
    TicketCreatedClient,
    /// A message on a ticket, for those who answer for it.
    MessageAddedAgent,
    /// An agent's answer, for the client.
    MessageAddedClient,
    /// A ticket that was given to the reader.
    TicketAssignedAgent,
    /// A closed ticket, for those in cc.
    TicketClosedAgent,
    /// A closed ticket, for its client.
    TicketClosedClient,
    /// An answer that did not arrive, for its author.
    DeliveryFailedAgent,
    /// An answer that arrived without some of its files, for its author.
    DeliveryPartialAgent,
    /// A message in which the reader is mentioned.
    MentionAgent,
    /// Several notifications at once.
    Digest,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 11] = [
        Self::TicketCreatedAgent,
        Self::TicketCreatedClient,
        Self::MessageAddedAgent,
        Self::MessageAddedClient,
        Self::TicketAssignedAgent,
        Self::TicketClosedAgent,
        Self::TicketClosedClient,
        Self::DeliveryFailedAgent,
        Self::DeliveryPartialAgent,
        Self::MentionAgent,
        Self::Digest,
    ];

    /// The name in the database and of the files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TicketCreatedAgent => "ticket.created.agent",
            Self::TicketCreatedClient => "ticket.created.client",
            Self::MessageAddedAgent => "message.added.agent",
            Self::MessageAddedClient => "message.added.client",
            Self::TicketAssignedAgent => "ticket.assigned.agent",
            Self::TicketClosedAgent => "ticket.closed.agent",
            Self::TicketClosedClient => "ticket.closed.client",
            Self::DeliveryFailedAgent => "delivery.failed.agent",
            Self::DeliveryPartialAgent => "delivery.partial.agent",
            Self::MentionAgent => "mention.agent",
            Self::Digest => "digest.agent",
        }
    }

    /// The template of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.as_str() == name)
    }

    /// Whether it shows the message that the event is about.
    #[must_use]
    pub fn shows_message(self) -> bool {
        !matches!(self, Self::TicketCreatedClient | Self::TicketClosedClient | Self::Digest)
    }

    /// Whether it is a person's own words to the client, and no notification.
    #[must_use]
    pub fn is_answer(self) -> bool {
        self == Self::MessageAddedClient
    }
}

/// Subject, text and HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub subject: String,
    pub text: String,
    pub html: String,
}

pub(super) fn write<V: Serialize>(template: Template, view: &V) -> Result<Written, RenderError> {
    let name = template.as_str();
    let plain = |part: &str| PLAIN.render(&format!("{name}.{part}"), view);
    Ok(Written { subject: plain("subject")?, text: plain("text")?, html: HTML.render(&format!("{name}.html"), view)? })
}

macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("../../templates/", $name, ".hbs")))
    };
}

/// Subjects and texts, which are not escaped.
static PLAIN: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut plain = strict();
    plain.register_escape_fn(handlebars::no_escape);
    let files = [
        file!("details.text"),
        file!("message.text"),
        file!("ticket.created.agent.subject"),
        file!("ticket.created.agent.text"),
        file!("ticket.created.client.subject"),
        file!("ticket.created.client.text"),
        file!("message.added.agent.subject"),
        file!("message.added.agent.text"),
        file!("message.added.client.subject"),
        file!("message.added.client.text"),
        file!("ticket.assigned.agent.subject"),
        file!("ticket.assigned.agent.text"),
        file!("ticket.closed.agent.subject"),
        file!("ticket.closed.agent.text"),
        file!("ticket.closed.client.subject"),
        file!("ticket.closed.client.text"),
        file!("delivery.failed.agent.subject"),
        file!("delivery.failed.agent.text"),
    ];
    with(plain, &files)
});

/// HTML, where every value is escaped.
static HTML: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut html = strict();
    html.register_helper("lines", Box::new(lines));
    let files = [
        file!("layout.html"),
        file!("details.html"),
        file!("message.html"),
        file!("ticket.created.agent.html"),
        file!("ticket.created.client.html"),
        file!("message.added.agent.html"),
        file!("message.added.client.html"),
        file!("ticket.assigned.agent.html"),
        file!("ticket.closed.agent.html"),
        file!("ticket.closed.client.html"),
        file!("delivery.failed.agent.html"),
    ];
    with(html, &files)
});

fn strict() -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry
}

fn with(mut registry: Handlebars<'static>, files: &[(&str, &str)]) -> Handlebars<'static> {
    for (name, source) in files {
        if let Err(error) = registry.register_template_string(name, source) {
            unreachable!("the embedded template {name} is tested and cannot be read: {error}");
        }
    }
    registry
}

/// `{{lines text}}`: the text escaped, its line breaks kept.
fn lines(helper: &Helper<'_>, _: &Handlebars<'_>, _: &Context, _: &mut RenderContext<'_, '_>, out: &mut dyn Output) -> HelperResult {
    let text = helper.param(0).and_then(|value| value.value().as_str()).ok_or(RenderErrorReason::ParamNotFoundForIndex("lines", 0))?;
    out.write(&handlebars::html_escape(text).replace('\n', "<br>\n"))?;
    Ok(())
}
