-- Five thousand tickets, of each of which its client is to be told, as the planner leaves them.
create temporary table made as
select n, o.id as tenant_id, a.id as account_id, s.id as status_id, p.id as priority_id, gen_random_uuid() as client_id, gen_random_uuid() as ticket_id,
       gen_random_uuid() as event_id, gen_random_uuid() as notification_id, gen_random_uuid() as delivery_id
from generate_series(1, 5000) as n, tenants o
join channel_accounts a on a.tenant_id = o.id
cross join lateral (select id from statuses s where s.tenant_id = o.id order by id limit 1) s
cross join lateral (select id from priorities p where p.tenant_id = o.id order by id limit 1) p;

insert into clients (tenant_id, id, name) select tenant_id, client_id, 'Client ' || n from made;
insert into tickets (tenant_id, id, ticket_number, key_salt, title, client_id, account_id, status_id, priority_id, version, message_count)
select tenant_id, ticket_id, 100000 + n, 'salt', 'Mail ' || n, client_id, account_id, status_id, priority_id, 1, 0 from made;
insert into ticket_versions (tenant_id, ticket_id, version, actor, changes, state, changed_at)
select tenant_id, ticket_id, 1, 'system', '[]',
       jsonb_build_object('number', 100000 + n, 'title', 'Mail ' || n, 'client_id', client_id, 'account_id', account_id, 'department_id', null,
                          'category_id', null, 'status_id', status_id, 'state', 'open', 'priority_id', priority_id, 'assignees', '[]'::jsonb,
                          'cc', '[]'::jsonb, 'tags', '[]'::jsonb, 'custom_fields', '{}'::jsonb, 'message_count', 0, 'closed_at', null),
       now()
from made;
insert into event_plans (tenant_id, event_id, kind, ticket_id, version, decisions, planned_at)
select tenant_id, event_id, 'ticket.created', ticket_id, 1, '[]', now() from made;
insert into notifications (tenant_id, id, event_id, client_id, template, title, reason)
select tenant_id, notification_id, event_id, client_id, 'ticket.created.client', 'Mail ' || n, 'the client' from made;
insert into deliveries (tenant_id, id, notification_id, account_id, channel, address, message_id, ticket_id, ticket_version, recipient_id,
                        next_attempt_at, planned_at)
select tenant_id, delivery_id, notification_id, account_id, 'email', 'client' || n || '@client.example', delivery_id || '@acme.example', ticket_id, 1,
       client_id, now(), now()
from made;
analyze deliveries, notifications, event_plans, ticket_versions, tickets;
