-- What a delivery is part of, so that its metrics and its span are told to belong to the message that led to it.

alter table deliveries
    -- When the message arrived; null when no message led to it.
    add column arrived_at timestamptz,
    -- W3C Trace Context.
    add column traceparent text;
