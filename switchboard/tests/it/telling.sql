-- More of what people are told, on the desk of conversation.sql: 9xx are what waits, why, and what is collected.
update notifications set reason = 'assigned', topic = 'ticket.created', title = '[#1] The lamp is dark', planned_at = '2026-03-02 09:00:02Z',
    alternatives = json_build_array(
        json_build_object('method', 'sms', 'account_id', id(28), 'address', '+15550100', 'thread_key', null),
        json_build_object('method', 'email', 'account_id', id(26), 'address', 'bo@home.example', 'thread_key', null)),
    notice = 'slack refused for good, so it went by email.' where id = id(81);
insert into channel_accounts (tenant_id, id, name, channel, address) values
    (id(1), id(27), 'workspace', 'slack', 'T024BE7LD'), (id(1), id(28), 'texts', 'sms', '+15550199');
insert into send_limits (tenant_id, account_id, tokens, filled_at, paused_until, pause_reason) values
    (id(1), id(27), 0, '2026-03-02 10:00:00Z', '2999-01-01 00:00:00Z', 'ratelimited, Retry-After 30');

-- Bo on Slack failed; that is why mail was sent. Ada by SMS may have arrived.
insert into deliveries (tenant_id, id, notification_id, account_id, channel, address, status, ticket_id, ticket_version, recipient_id, attempts, next_attempt_at, planned_at) values
    (id(1), id(901), id(81), id(27), 'slack', 'T024BE7LD/U1', 'failed', id(41), 1, id(11), 1, '2026-03-02 09:00:02Z', '2026-03-02 09:00:01Z'),
    (id(1), id(902), id(83), id(28), 'sms', '+15550101', 'held', id(41), 2, id(31), 1, '2026-03-02 09:30:01Z', '2026-03-02 09:30:02Z'),
    (id(1), id(903), id(84), id(27), 'slack', 'T024BE7LD/U2', 'queued', id(41), 3, id(12), 0, '2999-01-02 07:00:00Z', '2026-03-02 09:30:02Z');
update deliveries set waits_for = 'quiet hours of cleo' where id = id(903);
update deliveries set because = 'slack refused for good: channel_not_found', excused = 0 where id = id(85);
insert into delivery_attempts (tenant_id, delivery_id, attempt, lease_token, outcome, answer, started_at, finished_at) values
    (id(1), id(901), 1, id(99), 'refused_for_good', 'channel_not_found', '2026-03-02 09:00:02Z', '2026-03-02 09:00:02.25Z'),
    (id(1), id(902), 1, id(99), 'ambiguous', 'the connection broke', '2026-03-02 09:30:03Z', '2026-03-02 09:30:04Z');

-- A mail that goes on with another, which is to come first; and of an event before both it is not planned yet who is told.
insert into event_plans (tenant_id, event_id, kind, ticket_id, version, message_id, decisions, planned_at) values
    (id(1), id(910), 'ticket.assigned', id(41), 3, null, json_build_array(
        json_build_object('recipient', 'cleo', 'user_id', id(12), 'client_id', null, 'told', true, 'on', 'email:cleo@acme.example', 'why', 'assigned')), '2026-03-02 10:00:01Z');
insert into notifications (tenant_id, id, event_id, user_id, template, title, reason, topic, planned_at) values
    (id(1), id(911), id(910), id(12), 'ticket.assigned.agent', '[#1] The lamp is dark', 'assigned', 'ticket.assigned', '2026-03-02 10:00:01Z'),
    (id(1), id(912), id(910), id(11), 'ticket.assigned.agent', '[#1] The lamp is dark', 'follows the ticket', 'ticket.assigned', '2026-03-02 10:00:01Z');
insert into outbox (tenant_id, id, ticket_id, version, payload, publish_at) values (id(1), id(74), id(41), 2, '{"kind": "message.added"}', '2026-03-02 10:00:00Z');
insert into deliveries (tenant_id, id, notification_id, account_id, channel, address, message_id, status, ticket_id, ticket_version, recipient_id, next_attempt_at, planned_at) values
    (id(1), id(913), id(911), id(26), 'email', 'cleo@acme.example', 'e@acme.example', 'queued', id(41), 3, id(12), '2026-03-02 10:00:01Z', '2026-03-02 10:00:01Z');

-- Two digests of Bo's: one is collected, and one was sent.
insert into digests (tenant_id, id, user_id, channel, account_id, address, due_at, closed_at) values
    (id(1), id(920), id(11), 'email', id(26), 'bo@acme.example', '2999-01-01 08:00:00Z', null),
    (id(1), id(921), id(11), 'email', id(26), 'bo@acme.example', '2026-03-02 08:00:00Z', '2026-03-02 08:00:01Z');
insert into digest_items (tenant_id, notification_id, digest_id, cause, why) values
    (id(1), id(912), id(920), 'quiet_hours', 'quiet hours 19:00–08:00 (own)'),
    (id(1), id(81), id(921), 'digest', 'ticket.created: digest (tenant)');
insert into deliveries (tenant_id, id, digest_id, account_id, channel, address, message_id, status, recipient_id, attempts, next_attempt_at, planned_at, sent_at) values
    (id(1), id(922), id(921), id(26), 'email', 'bo@acme.example', 'g@acme.example', 'sent', id(11), 1, '2026-03-02 08:00:01Z', '2026-03-02 08:00:01Z', '2026-03-02 08:00:02Z');
insert into delivery_attempts (tenant_id, delivery_id, attempt, lease_token, outcome, answer, started_at) values
    (id(1), id(922), 1, id(99), 'sent', '250 ok', '2026-03-02 08:00:02Z');

-- What people chose, and the ticket as it is now.
insert into user_contacts (tenant_id, id, user_id, type, value, verified_at) values
    (id(1), id(930), id(11), 'email', 'bo@acme.example', '2026-03-01Z'), (id(1), id(931), id(12), 'email', 'cleo@acme.example', '2026-03-01Z');
insert into preferences (tenant_id, id, layer, user_id, data) values
    (id(1), id(932), 'tenant', null, '{"timezone": "Europe/Berlin", "events": {"ticket.closed": []}}'),
    (id(1), id(933), 'user', id(11), '{"quiet_hours": {"from": "19:00", "to": "08:00"}}');
update ticket_versions set state = json_build_object('number', 1, 'title', 'The lamp is dark', 'client_id', id(31), 'account_id', id(26),
        'department_id', id(21), 'category_id', id(22), 'status_id', id(24), 'state', 'waiting_for_user', 'priority_id', id(23),
        'assignees', json_build_array(id(11)), 'cc', json_build_array(id(12)), 'tags', '[]'::json, 'custom_fields', '{}'::json,
        'message_count', 3, 'channels', '["email"]'::json, 'last_message_at', null, 'closed_at', null)
    where ticket_id = id(41);
