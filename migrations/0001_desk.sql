-- The desk: tenants, the people who answer, and how the work is divided.
--
-- Every key carries the tenant, and every foreign key too, so that the database itself refuses to
-- mix two tenants. Ids are UUIDv7, made by the workers.

create function touch_updated_at() returns trigger language plpgsql as $$
begin
    new.updated_at := now();
    return new;
end $$;

create type user_type as enum ('administrator', 'agent');
create type ticket_state as enum ('open', 'waiting_for_user', 'waiting_for_agent', 'closed', 'unresolved');
create type threading_policy as enum ('participants', 'proof');

create table tenants (
    id              uuid primary key,
    name            text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    owner_id        uuid,
    -- Counts up with each change to the desk, so that a worker knows when what it remembers is old.
    revision        bigint not null default 0,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
);

create table customize (
    tenant_id       uuid primary key references tenants,
    data            jsonb not null default '{}',
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
);

-- A group is a user that cannot log in, so that an assignee, a cc or a recipient is one reference.
create table users (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    handle          text not null check (handle ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    name            text not null check (name <> ''),
    email           text,
    phone           text,
    type            user_type not null default 'agent',
    is_group        boolean not null default false,
    password_hash   text,
    away_until      timestamptz,
    archived_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint users_handle_unique unique (tenant_id, handle),
    constraint users_name_unique unique (tenant_id, name),
    constraint users_email_unique unique (tenant_id, email),
    check (not is_group or password_hash is null)
);

alter table tenants add constraint tenants_owner_fkey foreign key (id, owner_id) references users (tenant_id, id);

-- Where a person is reached. Only a verified contact can act as that person.
create table user_contacts (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    user_id         uuid not null,
    type            text not null check (type in ('email', 'phone', 'slack', 'whatsapp')),
    value           text not null,
    verified_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint user_contacts_value_unique unique (tenant_id, type, value),
    foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index user_contacts_user on user_contacts (tenant_id, user_id);

create table group_members (
    tenant_id       uuid not null references tenants,
    group_id        uuid not null,
    member_id       uuid not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, group_id, member_id),
    foreign key (tenant_id, group_id) references users (tenant_id, id),
    foreign key (tenant_id, member_id) references users (tenant_id, id),
    check (group_id <> member_id)
);

create table departments (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    name            text not null check (name <> ''),
    description     text not null default '',
    archived_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint departments_name_unique unique (tenant_id, name)
);

create table user_departments (
    tenant_id       uuid not null references tenants,
    user_id         uuid not null,
    department_id   uuid not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, user_id, department_id),
    foreign key (tenant_id, user_id) references users (tenant_id, id),
    foreign key (tenant_id, department_id) references departments (tenant_id, id)
);
create index user_departments_department on user_departments (tenant_id, department_id);

-- A category leads to a department, and to a person or a group.
create table categories (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    name            text not null check (name <> ''),
    department_id   uuid,
    assignee_id     uuid,
    archived_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint categories_name_unique unique (tenant_id, name),
    foreign key (tenant_id, department_id) references departments (tenant_id, id),
    foreign key (tenant_id, assignee_id) references users (tenant_id, id)
);

create table priorities (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    name            text not null check (name <> ''),
    color           text not null check (color ~ '^#[0-9a-f]{6}$'),
    position        integer not null,
    is_default      boolean not null default false,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint priorities_name_unique unique (tenant_id, name)
);
create unique index priorities_one_default on priorities (tenant_id) where is_default;

-- A tenant may have several statuses for one state; the default one is used when the state changes by itself.
create table statuses (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    name            text not null check (name <> ''),
    color           text not null check (color ~ '^#[0-9a-f]{6}$'),
    state           ticket_state not null,
    is_default      boolean not null default false,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint statuses_name_unique unique (tenant_id, name)
);
create unique index statuses_one_default on statuses (tenant_id, state) where is_default;

-- Where messages come in and go out: for mail, one address of the desk.
create table channel_accounts (
    tenant_id           uuid not null references tenants,
    id                  uuid not null,
    name                text not null check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    channel             text not null check (channel in ('email')),
    address             text not null,
    from_name           text,
    default_category_id uuid,
    -- Who may join a ticket by quoting a Message-ID: any participant whose trust did not fail, or
    -- only one who proves to have got our mail.
    threading           threading_policy not null default 'participants',
    acknowledge         boolean not null default true,
    -- At most so many mails an hour to one address in answer to mail from one address.
    loop_cap            integer not null default 20 check (loop_cap between 1 and 1000),
    disabled_at         timestamptz,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint channel_accounts_name_unique unique (tenant_id, name),
    foreign key (tenant_id, default_category_id) references categories (tenant_id, id)
);
create unique index channel_accounts_address_unique on channel_accounts (channel, address) where disabled_at is null;

create table routing_rules (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    position        integer not null,
    name            text not null check (name <> ''),
    -- {"account": …, "recipient": …, "subject_words": […]}: all that are named must hold.
    conditions      jsonb not null,
    category_id     uuid not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint routing_rules_name_unique unique (tenant_id, name),
    foreign key (tenant_id, category_id) references categories (tenant_id, id)
);

-- Keys that sign reply addresses. The newest signs; all that are not retired are accepted.
create table signing_keys (
    tenant_id       uuid not null references tenants,
    id              smallint not null check (id between 0 and 31),
    secret          bytea not null check (octet_length(secret) >= 32),
    retired_at      timestamptz,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, id)
);

do $$
declare name text;
begin
    foreach name in array array['tenants', 'customize', 'users', 'user_contacts', 'departments', 'categories',
                                'priorities', 'statuses', 'channel_accounts', 'routing_rules'] loop
        execute format('create trigger touch before update on %I for each row execute function touch_updated_at()', name);
    end loop;
end $$;
