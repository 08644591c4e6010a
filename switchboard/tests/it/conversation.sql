-- A desk with two tickets, on which a bit of everything has happened. Ids are short: 1 is a tenant,
-- 1x people, 2x the desk, 3x clients, 4x tickets, 5x the log, 6x messages, 7x events, 8x deliveries.
create function id(n int) returns uuid language sql immutable as $$ select lpad(n::text, 32, '0')::uuid $$;

insert into tenants (id, name) values (id(1), 'acme');
insert into users (tenant_id, id, handle, name, email) values (id(1), id(11), 'bo', 'Bo Berg', 'bo@acme.example'), (id(1), id(12), 'cleo', 'Cleo Diaz', 'cleo@acme.example');
insert into departments (tenant_id, id, name) values (id(1), id(21), 'Support');
insert into categories (tenant_id, id, name, department_id, assignee_id) values (id(1), id(22), 'Lamps', id(21), id(11));
insert into priorities (tenant_id, id, name, color, position, is_default) values (id(1), id(23), 'normal', '#3b82f6', 1, true);
insert into statuses (tenant_id, id, name, color, state, is_default) values
    (id(1), id(24), 'Waiting for client', '#3b82f6', 'waiting_for_user', true), (id(1), id(25), 'Closed', '#3b82f6', 'closed', true);
insert into channel_accounts (tenant_id, id, name, channel, address) values (id(1), id(26), 'support', 'email', 'help@acme.example');
insert into clients (tenant_id, id, name) values (id(1), id(31), 'Ada Lovelace'), (id(1), id(32), '田中由紀');
insert into client_external_ids (tenant_id, id, client_id, type, value, source, evidence, authenticated) values
    (id(1), id(33), id(31), 'email', 'ada@client.example', 'mail', 'From', false), (id(1), id(34), id(32), 'email', 'yuki@denshi.example', 'mail', 'From', false);

insert into tickets (tenant_id, id, ticket_number, key_salt, title, client_id, account_id, department_id, category_id, status_id, priority_id, version, message_count, closed_at) values
    (id(1), id(41), 1, '', 'The lamp is dark', id(31), id(26), id(21), id(22), id(24), id(23), 3, 3, null),
    (id(1), id(42), 2, '', E'ランプ \u001b[2Jhidden', id(32), id(26), null, null, id(25), id(23), 1, 0, '2026-03-02 12:00:00Z');
insert into ticket_assignments (tenant_id, ticket_id, user_id) values (id(1), id(41), id(11));
insert into ticket_cc (tenant_id, ticket_id, user_id) values (id(1), id(41), id(12));
insert into ticket_links (tenant_id, ticket_id, linked_id, reason) values (id(1), id(42), id(41), 'it quoted #1 and proved nothing');
insert into ticket_versions (tenant_id, ticket_id, version, actor, actor_user_id, actor_client_id, changes, state, changed_at) values
    (id(1), id(41), 1, 'client', null, id(31), '["opened by Ada Lovelace", "assigned: bo"]', '{}', '2026-03-02 09:00:01Z'),
    (id(1), id(41), 2, 'user', id(11), null, '["message 2 from bo", "status: waiting for agent → waiting for user"]', '{}', '2026-03-02 09:30:00Z'),
    (id(1), id(41), 3, 'system', null, null, '["message 3 from Bo"]', '{}', '2026-03-02 10:00:00Z'),
    (id(1), id(42), 1, 'client', null, id(32), '["opened by 田中由紀"]', '{}', '2026-03-02 11:00:00Z');

insert into inbound_messages (tenant_id, id, account_id, channel, external_id, payload, outcome, explanation, ticket_id, duplicates, received_at) values
    (id(1), id(51), id(26), 'email', 'one',
     json_build_object('tenant_id', id(1), 'account_id', id(26), 'channel', 'email', 'external_id', 'one',
        'from', json_build_object('name', 'Ada Lovelace', 'email', 'ada@client.example'), 'recipients', '["help@acme.example"]'::json,
        'subject', 'The lamp is dark', 'message_id', 'lamp@client.example', 'references', '["gone@client.example", "other@acme.example"]'::json,
        'text', 'Please help.', 'reply', 'Please help.', 'html', null, 'trust', 'unverified', 'automatic', null,
        'sent_at', '2026-03-02T09:00:00Z', 'received_at', '2026-03-02T09:00:00Z', 'raw', null,
        'attachments', json_build_array(json_build_object('media_id', id(90), 'name', 'lamp.jpg', 'content_type', 'image/jpeg', 'size', 52000, 'inline', false, 'content_id', null)),
        'flags', '["the charset had to be guessed"]'::json),
     'opened',
     json_build_object('sender', json_build_object('who', 'new_client', 'key', 'email:ada@client.example', 'client_id', id(31)),
        'considered', json_build_array(
            json_build_object('ticket_number', 2, 'evidence', 'References <other@acme.example>', 'chosen', false, 'why', 'ada@client.example takes no part in the ticket')),
        'decision', 'Opened a ticket: what it points at does not let it in.',
        'routing', json_build_object(
            'rules', json_build_array(
                json_build_object('rule', 'sales', 'matched', false, 'conditions', json_build_array(
                    json_build_object('field', 'recipient', 'wanted', 'sales', 'seen', 'help@acme.example', 'held', false))),
                json_build_object('rule', 'lamps', 'matched', true, 'conditions', json_build_array(
                    json_build_object('field', 'account', 'wanted', 'support', 'seen', 'support', 'held', true),
                    json_build_object('field', 'subject_words', 'wanted', 'lamp, bulb', 'seen', 'The lamp is dark', 'held', true))),
                json_build_object('rule', 'rest', 'matched', false, 'conditions', '[]'::json)),
            'category', 'Lamps', 'category_why', 'rule "lamps" matched', 'department', 'Support', 'assignee', 'bo'),
        'flags', '["the same Message-ID came with other content"]'::json),
     id(41), 2, '2026-03-02 09:00:00Z'),
    (id(1), id(52), id(26), 'email', 'two',
     json_build_object('tenant_id', id(1), 'account_id', id(26), 'channel', 'email', 'external_id', 'two',
        'from', json_build_object('name', null, 'email', 'bo@acme.example'), 'recipients', '["help@acme.example"]'::json,
        'subject', 'Re: The lamp is dark', 'message_id', null, 'references', '[]'::json, 'text', 'Look again.', 'reply', 'Look again.', 'html', null,
        'trust', 'failed', 'automatic', 'Auto-Submitted: auto-replied', 'sent_at', null, 'received_at', '2026-03-02T10:00:00Z', 'raw', null,
        'attachments', '[]'::json, 'flags', '[]'::json),
     'noted',
     json_build_object('sender', json_build_object('who', 'unknown', 'key', 'email:bo@acme.example'),
        'considered', json_build_array(
            json_build_object('ticket_number', 1, 'evidence', 'reply address', 'chosen', true, 'why', 'it was given to bo, and the trust failed: a note')),
        'decision', 'Added a note to ticket #1.', 'routing', null, 'flags', '[]'::json),
     id(41), 0, '2026-03-02 10:00:00Z');

insert into messages (tenant_id, id, ticket_id, position, kind, direction, channel, author_user_id, author_client_id, is_system, sender_name, sender_address, subject, text, notice, trust, automatic, inbound_id, received_at) values
    (id(1), id(61), id(41), 1, 'public', 'in', 'email', null, id(31), false, 'Ada Lovelace', 'ada@client.example', 'The lamp is dark', E'Please help.\n\nAda', null, 'unverified', null, id(51), '2026-03-02 09:00:00Z'),
    (id(1), id(62), id(41), 2, 'public', 'out', 'email', id(11), null, false, 'Bo Berg', 'bo@acme.example', 'Re: The lamp is dark', 'Is it plugged in?', null, 'unverified', null, null, '2026-03-02 09:30:00Z'),
    (id(1), id(63), id(41), 3, 'note', 'in', 'email', null, null, true, null, 'bo@acme.example', 'Re: The lamp is dark', 'Look again.', 'This is a note: the sender could not be checked.', 'failed', 'Auto-Submitted: auto-replied', id(52), '2026-03-02 10:00:00Z');
insert into media (tenant_id, id, sha256, size, data) values (id(1), id(90), sha256('lamp'), 4, 'lamp');
insert into attachments (tenant_id, message_id, position, media_id, name, content_type, size, inline) values (id(1), id(61), 1, id(90), 'lamp.jpg', 'image/jpeg', 52000, false);

insert into event_plans (tenant_id, event_id, kind, ticket_id, version, message_id, decisions, planned_at) values
    (id(1), id(71), 'ticket.created', id(41), 1, id(61), json_build_array(
        json_build_object('recipient', 'bo', 'user_id', id(11), 'client_id', null, 'told', true, 'on', 'email:bo@acme.example', 'why', 'assigned'),
        json_build_object('recipient', 'cleo', 'user_id', id(12), 'client_id', null, 'told', false, 'on', null, 'why', 'away until 5 March'),
        json_build_object('recipient', 'Ada Lovelace', 'user_id', null, 'client_id', id(31), 'told', true, 'on', 'email:ada@client.example', 'why', 'acknowledgement')),
     '2026-03-02 09:00:02Z'),
    (id(1), id(72), 'message.added', id(41), 2, id(62), '[]', '2026-03-02 09:30:01Z');
insert into outbox (tenant_id, id, ticket_id, version, payload, publish_at) values
    (id(1), id(73), id(41), 3, json_build_object('kind', 'message.added', 'message_id', id(63)), '2026-03-02 10:00:00Z');
insert into notifications (tenant_id, id, event_id, user_id, client_id, template, title, reason) values
    (id(1), id(81), id(71), id(11), null, 'ticket.created.agent', '', ''), (id(1), id(82), id(71), null, id(31), 'ticket.created.client', '', ''),
    (id(1), id(83), id(72), null, id(31), 'message.added.client', '', ''), (id(1), id(84), id(72), id(12), null, 'message.added.agent', '', '');
insert into deliveries (tenant_id, id, notification_id, account_id, channel, address, message_id, status, ticket_id, ticket_version, recipient_id, attempts, next_attempt_at, planned_at, sent_at) values
    (id(1), id(85), id(81), id(26), 'email', 'bo@acme.example', 'a@acme.example', 'sent', id(41), 1, id(11), 1, '2026-03-02 09:00:02Z', '2026-03-02 09:00:02Z', '2026-03-02 09:00:03Z'),
    (id(1), id(86), id(82), id(26), 'email', 'ada@client.example', 'b@acme.example', 'failed', id(41), 1, id(31), 1, '2026-03-02 09:00:02Z', '2026-03-02 09:00:02Z', null),
    (id(1), id(87), id(83), id(26), 'email', 'ada@client.example', 'c@acme.example', 'queued', id(41), 2, id(31), 2, '2026-03-02 10:00:00Z', '2026-03-02 09:30:01Z', null),
    (id(1), id(88), id(84), id(26), 'email', 'cleo@acme.example', 'd@acme.example', 'queued', id(41), 2, id(12), 0, '2026-03-02 09:30:01Z', '2026-03-02 09:30:01Z', null);
insert into delivery_attempts (tenant_id, delivery_id, attempt, lease_token, outcome, answer, started_at) values
    (id(1), id(85), 1, id(99), 'sent', '/srv/outgoing/1.eml', '2026-03-02 09:00:03Z'),
    (id(1), id(86), 1, id(99), 'refused_for_good', '550 no such user', '2026-03-02 09:00:03Z'),
    (id(1), id(87), 1, id(99), 'refused_for_now', '451 greylisted', '2026-03-02 09:30:02Z'),
    (id(1), id(87), 2, id(99), 'refused_for_now', '451 still greylisted', '2026-03-02 09:35:02Z');
