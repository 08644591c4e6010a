-- Which ticket: the account's policies, chat threads, tickets that wait for a mail, links of a kind, copies at
-- several accounts; and whom a tenant has blocked.

create type closed_policy as enum ('reopen', 'follow_up', 'new');
create type subject_policy as enum ('join', 'follow_up', 'new');
create type window_scope as enum ('channel', 'anywhere');
create type spam_policy as enum ('take', 'block');

alter table channel_accounts
    -- What the client's message to a ticket that is over does.
    add column closed closed_policy not null default 'reopen',
    -- What the client's message with another subject than the ticket's does.
    add column new_subject subject_policy not null default 'join',
    -- For so long after its last message the client's open ticket takes what points at none. 0 for never;
    -- null for what is usual on the channel.
    add column window_seconds integer check (window_seconds between 0 and 31536000),
    -- Whether a ticket of another channel counts.
    add column window_from window_scope not null default 'channel';

alter table tenants add column spam spam_policy not null default 'take';

-- A key such as `email:spam@x.example`, or `domain:junk.example`, which stands for its sub-domains as well.
create table blocked_senders (
    tenant_id       uuid not null references tenants,
    entry           text not null check (entry ~ '^(email|phone|whatsapp|slack|domain):.'),
    created_at      timestamptz not null default now(),
    primary key (tenant_id, entry)
);

alter type inbound_outcome add value 'blocked';

-- The account at which a message came in a second time, where that is not the account that it was logged for.
create table inbound_copies (
    tenant_id       uuid not null references tenants,
    inbound_id      uuid not null,
    account_id      uuid not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, inbound_id, account_id),
    foreign key (tenant_id, inbound_id) references inbound_messages (tenant_id, id),
    foreign key (tenant_id, account_id) references channel_accounts (tenant_id, id)
);

-- A chat's own thread and its ticket: unique while that is open, since a thread goes on with the next one when
-- it is over. `ticket_id` is null only inside the transaction that claims it.
create table threads (
    tenant_id       uuid not null references tenants,
    account_id      uuid not null,
    thread_key      text not null check (thread_key <> ''),
    ticket_id       uuid,
    last_message_at timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, account_id, thread_key),
    foreign key (tenant_id, account_id) references channel_accounts (tenant_id, id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index threads_ticket on threads (tenant_id, ticket_id);
create trigger touch before update on threads for each row execute function touch_updated_at();

-- Tickets whose messages referred to a mail that has not come, beside the first of them, which
-- `message_ids` has.
create table awaiting_tickets (
    tenant_id       uuid not null references tenants,
    message_id      text not null,
    ticket_id       uuid not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, message_id, ticket_id),
    foreign key (tenant_id, message_id) references message_ids (tenant_id, message_id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);

alter table ticket_links
    -- `stranger`: whoever wrote takes no part in the other; `number`: only its number was quoted; `follow_up`: it goes on
    -- with what the other was about; `related`: a new matter of the same client, by the account's policy.
    add column kind text not null default 'stranger' check (kind in ('stranger', 'number', 'follow_up', 'related'));
create index ticket_links_linked on ticket_links (tenant_id, linked_id);

alter table tickets
    add column channels text[] not null default '{}',
    add column last_message_at timestamptz;
update tickets t
set channels = array(select distinct m.channel from messages m where m.tenant_id = t.tenant_id and m.ticket_id = t.id
                                                                 and m.direction = 'in' and m.kind = 'public'),
    last_message_at = (select max(m.received_at) from messages m where m.tenant_id = t.tenant_id and m.ticket_id = t.id);
create index tickets_client_open on tickets (tenant_id, client_id, last_message_at desc) where closed_at is null;
