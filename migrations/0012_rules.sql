-- Rules with trees of conditions and several effects, tags, and the turns of groups.

create type assign_strategy as enum ('everyone', 'round_robin', 'fewest_open');

-- How a category's group shares its tickets.
alter table categories add column assign_by assign_strategy not null default 'everyone';

-- {"version": 1, "when": [CONDITION …], "then": {…}}, with names and handles: docs/routing.md. What an
-- earlier version kept means the same in it.
alter table routing_rules add column rule jsonb;
update routing_rules r
set rule = jsonb_build_object(
    'version', 1,
    'when',
    case when r.conditions ? 'account'
        then jsonb_build_array(jsonb_build_object('field', 'account', 'is', r.conditions -> 'account')) else '[]' end
    || case when r.conditions ? 'recipient'
        then jsonb_build_array(jsonb_build_object('field', 'recipient', 'is', r.conditions -> 'recipient')) else '[]' end
    || case when r.conditions ? 'subject_words'
        then jsonb_build_array(jsonb_build_object('field', 'subject', 'words', r.conditions -> 'subject_words')) else '[]' end,
    'then', jsonb_build_object('category', c.name))
from categories c where c.tenant_id = r.tenant_id and c.id = r.category_id;
alter table routing_rules alter column rule set not null, drop column conditions, drop column category_id;
update tenants set revision = revision + 1;

create table tags (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    name            text not null check (name <> ''),
    created_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint tags_name_unique unique (tenant_id, name)
);

create table ticket_tags (
    tenant_id       uuid not null references tenants,
    ticket_id       uuid not null,
    tag_id          uuid not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, ticket_id, tag_id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
    foreign key (tenant_id, tag_id) references tags (tenant_id, id)
);
create index ticket_tags_tag on ticket_tags (tenant_id, tag_id);

-- Whose turn it is in a group that deals its tickets out. Locked by who deals, just before the tenant's
-- counter of ticket numbers.
create table group_turns (
    tenant_id       uuid not null references tenants,
    group_id        uuid not null,
    turns           bigint not null default 0,
    -- The person who had the last turn.
    last_user_id    uuid,
    primary key (tenant_id, group_id),
    foreign key (tenant_id, group_id) references users (tenant_id, id),
    foreign key (tenant_id, last_user_id) references users (tenant_id, id)
);

-- The open tickets of a person.
create index ticket_assignments_user on ticket_assignments (tenant_id, user_id);
