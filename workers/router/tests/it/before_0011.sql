-- A desk as it was before 0011: a rule with a condition of each kind, a ticket with an answer to its client, the log of its
-- first message, and one that is closed.
insert into tenants (id, name) values (:tenant, 'acme');
insert into statuses (tenant_id, id, name, color, state, is_default)
select :tenant, gen_random_uuid(), s::text, '#336699', s, true from unnest(enum_range(null::ticket_state)) s;
insert into priorities (tenant_id, id, name, color, position, is_default) values (:tenant, gen_random_uuid(), 'normal', '#336699', 1, true);
insert into users (tenant_id, id, handle, name, email) values (:tenant, gen_random_uuid(), 'bo', 'Bo Berg', 'bo@desk.example');
insert into user_contacts (tenant_id, id, user_id, type, value, verified_at)
select :tenant, gen_random_uuid(), id, 'email', email, now() from users;
insert into categories (tenant_id, id, name, assignee_id)
select :tenant, gen_random_uuid(), n, u.id from users u, unnest(array['Incident', 'Quote']) as n;
insert into channel_accounts (tenant_id, id, name, channel, address, default_category_id)
select :tenant, gen_random_uuid(), 'support', 'email', 'support@desk.example', id from categories where name = 'Incident';
insert into routing_rules (tenant_id, id, position, name, conditions, category_id)
select :tenant, gen_random_uuid(), 1, 'quotes',
       '{"account": "support", "recipient": "support@desk.example", "subject_words": ["quote", "offer"]}', id
from categories where name = 'Quote';

insert into clients (tenant_id, id, name) values (:tenant, gen_random_uuid(), 'Ada');
insert into client_external_ids (tenant_id, id, client_id, type, value, source, evidence, authenticated)
select :tenant, gen_random_uuid(), id, 'email', 'ada@example.org', 'email', 'sender of <a1>', false from clients;
insert into ticket_counters values (:tenant, 2);
insert into tickets (tenant_id, id, ticket_number, key_salt, title, client_id, account_id, category_id, status_id, priority_id, version,
                     message_count, closed_at)
select :tenant, gen_random_uuid(), n, 'salt', 'The printer is on fire', c.id, a.id, k.id, s.id, p.id, 1, 1,
       case when n = 2 then timestamptz '2026-03-01T09:00:00Z' end
from generate_series(1, 2) n, clients c, channel_accounts a, categories k, statuses s, priorities p
where k.name = 'Incident' and s.state = case when n = 2 then 'closed' else 'waiting_for_agent' end::ticket_state;
insert into ticket_versions (tenant_id, ticket_id, version, actor, actor_client_id, changes, state, changed_at)
select t.tenant_id, t.id, 1, 'client', t.client_id, '["opened by Ada"]',
       jsonb_build_object('number', t.ticket_number, 'title', t.title, 'client_id', t.client_id, 'account_id', t.account_id,
                          'department_id', null, 'category_id', t.category_id, 'status_id', t.status_id, 'state', s.state,
                          'priority_id', t.priority_id, 'assignees', '[]'::jsonb, 'cc', '[]'::jsonb, 'custom_fields', '{}'::jsonb,
                          'message_count', 1, 'closed_at', t.closed_at), '2026-03-01T09:00:00Z'
from tickets t join statuses s on s.tenant_id = t.tenant_id and s.id = t.status_id;
insert into inbound_messages (tenant_id, id, account_id, channel, external_id, payload, outcome, ticket_id, received_at, explanation)
select t.tenant_id, gen_random_uuid(), t.account_id, 'email', 'a' || t.ticket_number || '#1',
       jsonb_build_object('tenant_id', t.tenant_id, 'account_id', t.account_id, 'channel', 'email', 'external_id', 'a1#1',
                          'from', '{"name": null, "email": "ada@example.org"}'::jsonb, 'recipients', '["support@desk.example"]'::jsonb,
                          'subject', t.title, 'message_id', 'a' || t.ticket_number, 'references', '[]'::jsonb, 'text', 'help', 'reply', 'help',
                          'html', null, 'trust', 'unverified', 'automatic', null, 'sent_at', null, 'received_at', '2026-03-01T09:00:00Z',
                          'raw', null, 'attachments', '[]'::jsonb, 'flags', '[]'::jsonb),
       'opened', t.id, '2026-03-01T09:00:00Z',
       jsonb_build_object(
           'sender', jsonb_build_object('who', 'new_client', 'key', 'email:ada@example.org', 'client_id', t.client_id),
           'considered', '[]'::jsonb, 'decision', 'Opened ticket #1: nothing in it points at a ticket.', 'flags', '[]'::jsonb,
           'routing', '{"rules": [{"rule": "quotes", "matched": false, "conditions": [
                          {"field": "subject_words", "wanted": "quote, offer", "seen": "The printer is on fire", "held": false}]}],
                        "category": "Incident", "category_why": "the default of the account support", "department": null,
                        "assignee": "bo"}'::jsonb)
from tickets t;
insert into messages (tenant_id, id, ticket_id, position, kind, direction, channel, author_client_id, subject, text, trust, inbound_id, received_at)
select i.tenant_id, gen_random_uuid(), i.ticket_id, 1, 'public', 'in', 'email', t.client_id, t.title, 'help', 'unverified', i.id, i.received_at
from inbound_messages i join tickets t on t.tenant_id = i.tenant_id and t.id = i.ticket_id;
insert into message_ids (tenant_id, message_id, origin, ticket_id, inbound_id)
select tenant_id, payload ->> 'message_id', 'seen', ticket_id, id from inbound_messages;
insert into ticket_links (tenant_id, ticket_id, linked_id, reason)
select n.tenant_id, n.id, o.id, 'a stranger' from tickets n, tickets o where n.ticket_number = 2 and o.ticket_number = 1;
