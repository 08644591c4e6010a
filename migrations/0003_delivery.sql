-- What follows from a change: events, who is told, and every try to tell them.

create type delivery_status as enum ('queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'held');
create type attempt_outcome as enum ('sending', 'sent', 'refused_for_now', 'refused_for_good', 'ambiguous');

-- Events on their way. A row goes when the notifier has planned its event, not when it was
-- published: what the broker lost is published again.
create table outbox (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    ticket_id       uuid not null,
    version         integer not null,
    payload         jsonb not null,
    lease_token     uuid,
    -- When it may be published: at first at once, then when the lease on it has run out.
    publish_at      timestamptz not null,
    published_at    timestamptz,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index outbox_due on outbox (publish_at);
create index outbox_lease on outbox (lease_token) where lease_token is not null;
create index outbox_ticket on outbox (tenant_id, ticket_id, version);

-- An event is planned once. `decisions` lists who is told and who is not, and why.
create table event_plans (
    tenant_id       uuid not null references tenants,
    event_id        uuid not null,
    kind            text not null,
    ticket_id       uuid not null,
    version         integer not null,
    message_id      uuid,
    decisions       jsonb not null,
    planned_at      timestamptz not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, event_id),
    foreign key (tenant_id, ticket_id, version) references ticket_versions (tenant_id, ticket_id, version),
    foreign key (tenant_id, message_id) references messages (tenant_id, id)
);
create index event_plans_ticket on event_plans (tenant_id, ticket_id);

create table notifications (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    event_id        uuid not null,
    user_id         uuid,
    client_id       uuid,
    -- The template, such as ticket.created.agent.
    template        text not null,
    title           text not null,
    reason          text not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, event_id) references event_plans (tenant_id, event_id),
    foreign key (tenant_id, user_id) references users (tenant_id, id),
    foreign key (tenant_id, client_id) references clients (tenant_id, id),
    constraint notifications_once unique nulls not distinct (tenant_id, event_id, user_id, client_id),
    check ((user_id is null) <> (client_id is null))
);

create table deliveries (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    notification_id uuid not null,
    account_id      uuid not null,
    channel         text not null,
    address         text not null,
    -- Whose message led to it: the other half of the pair that the loop cap counts.
    origin          text,
    message_id      text not null,
    status          delivery_status not null default 'queued',
    -- Per ticket, recipient and channel a later version waits for the earlier ones.
    ticket_id       uuid not null,
    ticket_version  integer not null,
    recipient_id    uuid not null,
    attempts        integer not null default 0,
    next_attempt_at timestamptz not null,
    lease_token     uuid,
    leased_until    timestamptz,
    planned_at      timestamptz not null,
    sent_at         timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, notification_id) references notifications (tenant_id, id),
    foreign key (tenant_id, account_id) references channel_accounts (tenant_id, id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
    constraint deliveries_once unique (tenant_id, notification_id, channel)
);
create index deliveries_due on deliveries (channel, next_attempt_at) where status = 'queued';
create index deliveries_leased on deliveries (channel, leased_until) where status = 'sending';
create index deliveries_order on deliveries (tenant_id, ticket_id, recipient_id, channel, ticket_version);
create index deliveries_pair on deliveries (tenant_id, address, origin, planned_at);

create table delivery_attempts (
    tenant_id       uuid not null references tenants,
    delivery_id     uuid not null,
    attempt         integer not null check (attempt > 0),
    lease_token     uuid not null,
    outcome         attempt_outcome not null,
    answer          text,
    started_at      timestamptz not null,
    finished_at     timestamptz,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, delivery_id, attempt),
    foreign key (tenant_id, delivery_id) references deliveries (tenant_id, id)
);

create trigger touch before update on deliveries for each row execute function touch_updated_at();

-- What could not be processed. The tenant may be unknown: it stood in a payload that could not be read.
create table dead_letters (
    id              uuid primary key,
    queue           text not null,
    payload         bytea not null,
    headers         jsonb not null,
    reason          text not null,
    died_at         timestamptz not null,
    created_at      timestamptz not null default now()
);
create index dead_letters_died on dead_letters (died_at);

-- One row that a worker writes to see whether the database takes writes again after a failure.
create table probes (
    id              smallint primary key check (id = 1),
    probed_at       timestamptz not null
);
