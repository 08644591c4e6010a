-- What sending asks for: when somebody last wrote from a number, whatever the ticket, and what of a ticket is still to be sent.

-- WhatsApp takes any text within a day of the last message from a number to the account.
create index messages_whatsapp on messages (tenant_id, sender_address, received_at) where channel = 'whatsapp';

-- What comes later waits for these: they are found among what was sent long ago, of which there is much more.
create index deliveries_waiting on deliveries (tenant_id, ticket_id, recipient_id, ticket_version, planned_at, id)
    where status in ('queued', 'sending');
