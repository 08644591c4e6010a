-- Telling people: what they chose, on every channel, at their times.

-- What somebody chose, as a sparse document of the schema in docs/preferences.schema.json. The later layer wins: tenant → groups →
-- person for users; `clients`, which is the tenant's for all of its clients, → client for clients. A group's layer is a user's.
create table preferences (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    layer           text not null check (layer in ('tenant', 'clients', 'user', 'client')),
    user_id         uuid,
    client_id       uuid,
    data            jsonb not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id),
    foreign key (tenant_id, client_id) references clients (tenant_id, id),
    constraint preferences_once unique nulls not distinct (tenant_id, layer, user_id, client_id),
    check ((user_id is not null) = (layer = 'user') and (client_id is not null) = (layer = 'client'))
);
create trigger touch before update on preferences for each row execute function touch_updated_at();

-- People who follow what is not theirs.
create table department_watchers (
    tenant_id       uuid not null references tenants,
    department_id   uuid not null,
    user_id         uuid not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, department_id, user_id),
    foreign key (tenant_id, department_id) references departments (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create table ticket_watchers (
    tenant_id       uuid not null references tenants,
    ticket_id       uuid not null,
    user_id         uuid not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, ticket_id, user_id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id)
);

-- Which tickets a person may read: all, those of their departments, or those that are given to them. What is assigned to them, or
-- has them in cc, they may always read; administrators may read everything.
alter table users add column sees text not null default 'all' check (sees in ('all', 'departments', 'assigned'));

-- Webhooks are an account that only sends. How an account sends is a document of the shape that its channel needs; secrets are references.
alter table channel_accounts
    drop constraint channel_accounts_channel_check,
    add constraint channel_accounts_channel_check check (channel in ('email', 'whatsapp', 'slack', 'sms', 'voice', 'form', 'webhook')),
    add column sender jsonb;
alter table departments add column from_name text;

alter table user_contacts
    drop constraint user_contacts_type_check,
    add constraint user_contacts_type_check check (type in ('email', 'phone', 'slack', 'whatsapp', 'webhook'));

-- Of what a person is told: a kind of event, or `mention`. `alternatives` are the ways that are left when those that were planned
-- refuse for good, in their order; `notice` says what became of that.
alter table notifications
    add column topic text,
    add column planned_at timestamptz not null default now(),
    add column alternatives jsonb not null default '[]',
    add column notice text;
create index notifications_user on notifications (tenant_id, user_id, planned_at);
create index notifications_client on notifications (tenant_id, client_id, planned_at) where client_id is not null;
create index notifications_tenant on notifications (tenant_id, planned_at);

-- What is collected for somebody, to be told at once: appended to while it is open, claimed once when it is due. One is open for each
-- person and method, whatever it was collected for.
create table digests (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    user_id         uuid not null,
    channel         text not null,
    account_id      uuid not null,
    address         text not null,
    due_at          timestamptz not null,
    closed_at       timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id),
    foreign key (tenant_id, account_id) references channel_accounts (tenant_id, id)
);
create unique index digests_open on digests (tenant_id, user_id, channel) where closed_at is null;
create index digests_due on digests (due_at) where closed_at is null;
create trigger touch before update on digests for each row execute function touch_updated_at();

create table digest_items (
    tenant_id       uuid not null references tenants,
    notification_id uuid not null,
    digest_id       uuid not null,
    -- Why it was collected: `digest`, `quiet_hours` or `storm`.
    cause           text not null check (cause in ('digest', 'quiet_hours', 'storm')),
    -- Which setting of which layer, or which limit.
    why             text not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, notification_id, digest_id),
    foreign key (tenant_id, notification_id) references notifications (tenant_id, id),
    foreign key (tenant_id, digest_id) references digests (tenant_id, id)
);
create index digest_items_digest on digest_items (tenant_id, digest_id);

-- A delivery tells of one notification or of a digest. Only mail has a Message-ID; a digest is about no single ticket.
alter table deliveries
    alter column notification_id drop not null,
    alter column message_id drop not null,
    alter column ticket_id drop not null,
    alter column ticket_version drop not null,
    add column digest_id uuid,
    -- Where on its channel: the thread that an answer belongs to.
    add column thread_key text,
    -- The name that the platform gave it.
    add column provider_id text,
    -- It is told whatever the hour.
    add column urgent boolean not null default false,
    -- Why it waits, where that is not the schedule.
    add column waits_for text,
    -- Why this channel: that another refused.
    add column because text,
    add constraint deliveries_digest_fkey foreign key (tenant_id, digest_id) references digests (tenant_id, id),
    add constraint deliveries_digest_once unique (tenant_id, digest_id),
    add constraint deliveries_channel_check check (channel in ('email', 'slack', 'whatsapp', 'sms', 'webhook')),
    add constraint deliveries_of_one check ((notification_id is null) <> (digest_id is null)),
    add constraint deliveries_ticket_check check (digest_id is not null or ticket_id is not null and ticket_version is not null);
drop index deliveries_due;
create index deliveries_due on deliveries (channel, tenant_id, account_id, next_attempt_at) where status = 'queued';
create index deliveries_next on deliveries (channel, next_attempt_at) where status = 'queued';
create index deliveries_provider on deliveries (tenant_id, channel, provider_id) where provider_id is not null;

-- Where nothing goes any more: everything, or what is not about the reader's own tickets (`optional`).
create table suppressions (
    tenant_id       uuid not null references tenants,
    channel         text not null check (channel in ('email', 'slack', 'whatsapp', 'sms', 'webhook')),
    address         text not null,
    scope           text not null check (scope in ('all', 'optional')),
    reason          text not null check (reason in ('bounce', 'complaint', 'stop', 'unsubscribed', 'operator')),
    -- What was answered or written.
    evidence        text not null,
    delivery_id     uuid,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, channel, address, scope),
    foreign key (tenant_id, delivery_id) references deliveries (tenant_id, id)
);

-- A tenant's own words: for a template on a channel, in a language or (empty) in every one.
create table templates (
    tenant_id       uuid not null references tenants,
    template        text not null,
    channel         text not null check (channel in ('email', 'slack', 'whatsapp', 'sms', 'webhook')),
    locale          text not null default '',
    subject         text,
    text            text,
    html            text,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, template, channel, locale),
    check (subject is not null or text is not null or html is not null)
);
create trigger touch before update on templates for each row execute function touch_updated_at();

-- How fast an account sends, over all notifiers: tokens that fill up by its rate, and a pause that its platform asked for.
create table send_limits (
    tenant_id       uuid not null references tenants,
    account_id      uuid not null,
    tokens          double precision not null,
    filled_at       timestamptz not null,
    paused_until    timestamptz,
    pause_reason    text,
    primary key (tenant_id, account_id),
    foreign key (tenant_id, account_id) references channel_accounts (tenant_id, id)
);
