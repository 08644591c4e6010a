-- The conversation: clients, tickets, messages, and the log of all that came in.

create type actor_kind as enum ('client', 'user', 'system');
create type message_kind as enum ('public', 'note', 'system');
create type message_direction as enum ('in', 'out');
create type trust as enum ('verified', 'unverified', 'failed');
create type inbound_outcome as enum ('opened', 'joined', 'answered', 'noted');
create type message_id_origin as enum ('seen', 'referenced', 'ours');

create table clients (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    name            text not null,
    data            jsonb not null default '{}',
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id)
);

-- The client's row is written after its first external id, hence the deferred key: whoever claims
-- the external id first makes the client.
create table client_external_ids (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    client_id       uuid not null,
    type            text not null check (type in ('email', 'phone', 'whatsapp', 'slack')),
    value           text not null,
    source          text not null,
    evidence        text not null,
    authenticated   boolean not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint client_external_ids_value_unique unique (tenant_id, type, value),
    foreign key (tenant_id, client_id) references clients (tenant_id, id) deferrable initially deferred
);
create index client_external_ids_client on client_external_ids (tenant_id, client_id);

create table ticket_counters (
    tenant_id       uuid primary key references tenants,
    last_number     bigint not null default 0
);

create table tickets (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    ticket_number   bigint not null,
    key_salt        text not null,
    title           text not null,
    client_id       uuid not null,
    account_id      uuid not null,
    department_id   uuid,
    category_id     uuid,
    status_id       uuid not null,
    priority_id     uuid not null,
    custom_fields   jsonb not null default '{}',
    version         integer not null,
    message_count   integer not null,
    closed_at       timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint tickets_number_unique unique (tenant_id, ticket_number),
    foreign key (tenant_id, client_id) references clients (tenant_id, id),
    foreign key (tenant_id, account_id) references channel_accounts (tenant_id, id),
    foreign key (tenant_id, department_id) references departments (tenant_id, id),
    foreign key (tenant_id, category_id) references categories (tenant_id, id),
    foreign key (tenant_id, status_id) references statuses (tenant_id, id),
    foreign key (tenant_id, priority_id) references priorities (tenant_id, id)
);
create index tickets_client on tickets (tenant_id, client_id);

create table ticket_assignments (
    tenant_id       uuid not null references tenants,
    ticket_id       uuid not null,
    user_id         uuid not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, ticket_id, user_id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id)
);

create table ticket_cc (
    tenant_id       uuid not null references tenants,
    ticket_id       uuid not null,
    user_id         uuid not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, ticket_id, user_id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id)
);

-- A message that pointed at a ticket and was not let in opens its own, linked to the one it meant.
create table ticket_links (
    tenant_id       uuid not null references tenants,
    ticket_id       uuid not null,
    linked_id       uuid not null,
    reason          text not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, ticket_id, linked_id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
    foreign key (tenant_id, linked_id) references tickets (tenant_id, id),
    check (ticket_id <> linked_id)
);

-- Append-only. `state` is the whole ticket after the change, so that any version can be shown.
create table ticket_versions (
    tenant_id       uuid not null references tenants,
    ticket_id       uuid not null,
    version         integer not null check (version > 0),
    actor           actor_kind not null,
    actor_user_id   uuid,
    actor_client_id uuid,
    changes         jsonb not null,
    state           jsonb not null,
    changed_at      timestamptz not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, ticket_id, version),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
    foreign key (tenant_id, actor_user_id) references users (tenant_id, id),
    foreign key (tenant_id, actor_client_id) references clients (tenant_id, id)
);

-- Bytes, once per tenant and content.
create table media (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    sha256          bytea not null check (octet_length(sha256) = 32),
    size            bigint not null,
    data            bytea not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint media_content_unique unique (tenant_id, sha256)
);
-- Mail is compressed where it pays; what is already compressed is kept as it is.
alter table media alter column data set storage extended;

-- Everything that was ever accepted. The key outlives the ticket, so that nothing is imported twice.
create table inbound_messages (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    account_id      uuid not null,
    channel         text not null,
    external_id     text not null,
    raw_media_id    uuid,
    payload         jsonb not null,
    outcome         inbound_outcome,
    explanation     jsonb,
    ticket_id       uuid,
    -- How often it arrived after the first time.
    duplicates      integer not null default 0,
    received_at     timestamptz not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint inbound_messages_external_unique unique (tenant_id, channel, external_id),
    foreign key (tenant_id, account_id) references channel_accounts (tenant_id, id),
    foreign key (tenant_id, raw_media_id) references media (tenant_id, id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index inbound_messages_received on inbound_messages (tenant_id, received_at);

create table messages (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    ticket_id       uuid not null,
    position        integer not null,
    kind            message_kind not null,
    direction       message_direction not null,
    channel         text not null,
    author_user_id  uuid,
    author_client_id uuid,
    is_system       boolean not null default false,
    -- As the message names its sender, also where that is nobody we know.
    sender_name     text,
    sender_address  text,
    subject         text not null,
    text            text not null,
    html            text,
    -- Said to the agent above the message: why it is a note, why it was not trusted.
    notice          text,
    trust           trust not null,
    automatic       text,
    inbound_id      uuid,
    sent_at         timestamptz,
    received_at     timestamptz not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint messages_position_unique unique (tenant_id, ticket_id, position),
    constraint messages_inbound_unique unique (tenant_id, inbound_id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
    foreign key (tenant_id, author_user_id) references users (tenant_id, id),
    foreign key (tenant_id, author_client_id) references clients (tenant_id, id),
    foreign key (tenant_id, inbound_id) references inbound_messages (tenant_id, id),
    constraint messages_author check (author_user_id is not null or author_client_id is not null or is_system)
);

create table attachments (
    tenant_id       uuid not null references tenants,
    message_id      uuid not null,
    position        integer not null,
    media_id        uuid not null,
    name            text not null,
    content_type    text not null,
    size            bigint not null,
    inline          boolean not null,
    content_id      text,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, message_id, position),
    foreign key (tenant_id, message_id) references messages (tenant_id, id),
    foreign key (tenant_id, media_id) references media (tenant_id, id)
);

-- Every Message-ID seen, also that of a parent that has not come yet: claimed before a ticket is
-- chosen, so that two routers never open two. `ticket_id` is null only inside that transaction.
create table message_ids (
    tenant_id       uuid not null references tenants,
    message_id      text not null,
    origin          message_id_origin not null,
    ticket_id       uuid,
    inbound_id      uuid,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, message_id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
    foreign key (tenant_id, inbound_id) references inbound_messages (tenant_id, id)
);
create index message_ids_ticket on message_ids (tenant_id, ticket_id);

-- One address a ticket and recipient; the signed token in it names this row.
create table reply_addresses (
    tenant_id       uuid not null references tenants,
    id              bigint generated always as identity,
    ticket_id       uuid not null,
    user_id         uuid,
    client_id       uuid,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id),
    foreign key (tenant_id, client_id) references clients (tenant_id, id),
    constraint reply_addresses_recipient_unique unique nulls not distinct (tenant_id, ticket_id, user_id, client_id),
    check ((user_id is null) <> (client_id is null))
);

do $$
declare name text;
begin
    foreach name in array array['clients', 'client_external_ids', 'tickets', 'inbound_messages', 'messages'] loop
        execute format('create trigger touch before update on %I for each row execute function touch_updated_at()', name);
    end loop;
end $$;
