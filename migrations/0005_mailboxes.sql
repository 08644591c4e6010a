-- Mailboxes that are read by IMAP: where they are, and how far each of their folders has been read.

create type mailbox_tls as enum ('tls', 'starttls', 'none');
create type mailbox_since as enum ('everything', 'now');

-- How an account's mailbox is reached. An account without one takes mail by the pipe alone.
create table mailboxes (
    tenant_id       uuid not null references tenants,
    account_id      uuid not null,
    host            text not null check (host <> ''),
    port            integer not null check (port between 1 and 65535),
    tls             mailbox_tls not null,
    auth            text not null default 'password' check (auth in ('password')),
    username        text not null check (username <> ''),
    -- A reference, never the password: it is looked up each time a connection is made.
    password        text not null check (password ~ '^(env|file):.'),
    folders         text[] not null check (cardinality(folders) > 0),
    poll_seconds    integer not null check (poll_seconds between 1 and 3600),
    since           mailbox_since not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, account_id),
    foreign key (tenant_id, account_id) references channel_accounts (tenant_id, id)
);

-- How far a folder has been read, and by whom it is being read. Everything up to `last_uid` has been
-- taken, but for the ranges of a catch-up, which are worked off beside the new mail. A row stays
-- when its mailbox is disabled, so that reading goes on where it stopped.
create table mailbox_cursors (
    tenant_id       uuid not null references tenants,
    account_id      uuid not null,
    folder          text not null check (folder <> ''),
    -- Whose folder it is that the numbers below are of: the user and the server.
    source          text,
    uid_validity    bigint,
    last_uid        bigint not null default 0 check (last_uid >= 0),
    -- The ranges of a catch-up, both ends included, in their order.
    backlog_from    bigint[] not null default '{}',
    backlog_to      bigint[] not null default '{}',
    -- How many mails were known to wait when this was last written.
    waiting         bigint not null default 0,
    -- When it was read for the first time.
    began_at        timestamptz,
    lease_owner     uuid,
    lease_until     timestamptz,
    -- Counts up with each lease: whoever had an earlier one writes nothing any more.
    fence           bigint not null default 0,
    last_success_at timestamptz,
    last_error      text,
    last_error_at   timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, account_id, folder),
    foreign key (tenant_id, account_id) references channel_accounts (tenant_id, id),
    check (cardinality(backlog_from) = cardinality(backlog_to)),
    check ((lease_owner is null) = (lease_until is null))
);

-- The workers that read mailboxes, so that each knows its share of them.
create table mailbox_workers (
    id              uuid primary key,
    alive_until     timestamptz not null
);

create trigger touch before update on mailboxes for each row execute function touch_updated_at();
create trigger touch before update on mailbox_cursors for each row execute function touch_updated_at();
