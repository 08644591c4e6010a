//! What can be told to whom.

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

    /// Whether it is for the client, rather than for one of the desk's own people.
    #[must_use]
    pub fn is_for_client(self) -> bool {
        matches!(self, Self::TicketCreatedClient | Self::MessageAddedClient | Self::TicketClosedClient)
    }

    /// The event, as it stands in a webhook.
    #[must_use]
    pub fn event(self) -> &'static str {
        let name = self.as_str();
        name.rsplit_once('.').map_or(name, |(event, _)| event)
    }

    /// The name of the files that it is built in as, for each channel.
    pub(super) fn layout(self) -> &'static str {
        match self {
            Self::TicketCreatedClient => "acknowledged",
            Self::TicketClosedClient => "closed",
            Self::MessageAddedClient => "answer",
            Self::Digest => "digest",
            _ => "agent",
        }
    }

    /// The section of its phrases.
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::TicketCreatedAgent | Self::TicketCreatedClient => "ticket_created",
            Self::MessageAddedAgent | Self::MessageAddedClient => "message_added",
            Self::TicketAssignedAgent => "ticket_assigned",
            Self::TicketClosedAgent | Self::TicketClosedClient => "ticket_closed",
            Self::DeliveryFailedAgent => "delivery_failed",
            Self::DeliveryPartialAgent => "delivery_partial",
            Self::MentionAgent => "mention",
            Self::Digest => "digest",
        }
    }
}
