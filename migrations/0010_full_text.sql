-- The full text always stays with the message, also where the ticket shows only what was newly written.

alter table messages
    -- All of the mail's text; null where `text` is that already.
    add column full_text text;

-- Until now it stood in the log alone.
update messages m
set full_text = i.payload ->> 'text'
from inbound_messages i
where i.tenant_id = m.tenant_id and i.id = m.inbound_id and i.payload ->> 'text' is distinct from m.text;

-- From here on a message's HTML is sanitised. What was kept of it until now stands as it came, and could
-- run where it is shown; the mail itself still has it.
update messages set html = null where html is not null;
