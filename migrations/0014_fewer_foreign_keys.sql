-- Rows that are written with every message refer to their tenant only once.
--
-- Each of these tables refers, by a key that begins with the tenant and is never null once a
-- transaction has ended, to a table that refers to the tenant itself. So the tenant's own foreign key
-- said nothing more, and was a third of all the keys that a routed message is checked against.

do $$
declare name text;
begin
    foreach name in array array['client_external_ids', 'tickets', 'ticket_assignments', 'ticket_cc', 'ticket_links', 'ticket_versions',
                                'inbound_messages', 'messages', 'attachments', 'message_ids', 'reply_addresses', 'outbox',
                                'event_plans', 'notifications', 'deliveries', 'delivery_attempts'] loop
        execute format('alter table %I drop constraint %I', name, name || '_tenant_id_fkey');
    end loop;
end $$;
