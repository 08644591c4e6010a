//! Ids as types of their own, so that a ticket's id is never taken for a client's.

/// A `UUIDv7` (RFC 9562) that names one kind of thing.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

id!(
    /// A tenant: one organisation's desk, kept apart from every other.
    TenantId,
    /// A mailbox or another place where messages come in and go out.
    AccountId,
    /// A person who answers, or a group of them.
    UserId,
    /// A person who writes to the desk.
    ClientId,
    /// A merge of two clients.
    MergeId,
    /// A message whose sender could be several clients, for a person to decide.
    AmbiguityId,
    /// A part of the desk that people belong to.
    DepartmentId,
    /// What a ticket is about; leads to a department and an assignee.
    CategoryId,
    /// A routing rule.
    RuleId,
    /// A tenant's name for a state.
    StatusId,
    /// A tenant's priority.
    PriorityId,
    /// A ticket.
    TicketId,
    /// A message on a ticket.
    MessageId,
    /// A row of the inbound log.
    InboundId,
    /// Bytes in the blob store.
    MediaId,
    /// Something that happened to a ticket.
    EventId,
    /// What one person is told of one event.
    NotificationId,
    /// A notification on one channel.
    DeliveryId,
    /// What is collected for somebody.
    DigestId,
);
