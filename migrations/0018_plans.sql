-- What planning asks for: how much was planned of a ticket lately, and what its reader could do without.

-- Its reader follows what is not theirs, and may stop that (RFC 8058).
alter table notifications add column optional boolean not null default false;

-- Storms are counted by ticket and time.
drop index event_plans_ticket;
create index event_plans_ticket on event_plans (tenant_id, ticket_id, planned_at);
create index ticket_watchers_user on ticket_watchers (tenant_id, user_id);
