-- One person on several channels: contacts on record, clients who are one, and what a person decides.

-- Merging points one client at another, and changes nothing else: tickets, messages and external ids
-- keep the client that they came with, so that un-merging is exact. Who is one client is found by
-- following `merged_into` to its end. Only a client who is not merged is merged, into another who is
-- not, under locks on both and on all who stand behind them: so there is never a circle.
alter table clients
    add column merged_into uuid,
    add constraint clients_merged_into_fkey foreign key (tenant_id, merged_into) references clients (tenant_id, id),
    add constraint clients_merged_into_other check (merged_into <> id);
create index clients_merged_into on clients (tenant_id, merged_into) where merged_into is not null;

-- The client that one is found to be by following `merged_into` to its end: mostly itself.
create function client_root(tenant uuid, client uuid) returns uuid language plpgsql stable parallel safe as $$
declare next uuid;
begin
    loop
        select c.merged_into into next from clients c where c.tenant_id = tenant and c.id = client;
        exit when next is null;
        client := next;
    end loop;
    return client;
end $$;

-- How people read a client: the name of whom it counts as, and its own where that differs.
create function client_name(tenant uuid, client uuid) returns text language sql stable parallel safe as $$
    select case when r.name = c.name then c.name else r.name || ' (' || c.name || ')' end
    from clients c join clients r on r.tenant_id = c.tenant_id and r.id = client_root(c.tenant_id, c.id)
    where c.tenant_id = tenant and c.id = client
$$;

create table client_merges (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    client_id       uuid not null,
    into_id         uuid not null,
    reason          text,
    merged_by       uuid,
    merged_at       timestamptz not null,
    undone_by       uuid,
    undone_at       timestamptz,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, client_id) references clients (tenant_id, id),
    foreign key (tenant_id, into_id) references clients (tenant_id, id),
    foreign key (tenant_id, merged_by) references users (tenant_id, id),
    foreign key (tenant_id, undone_by) references users (tenant_id, id)
);
create unique index client_merges_current on client_merges (tenant_id, client_id) where undone_at is null;
create index client_merges_into on client_merges (tenant_id, into_id);

-- What the desk file says of clients, by a name of its own. A record that leaves the file keeps its
-- client, so that it finds them again when it comes back.
create table client_records (
    tenant_id       uuid not null references tenants,
    key             text not null check (key ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    client_id       uuid not null,
    withdrawn_at    timestamptz,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, key),
    constraint client_records_client_unique unique (tenant_id, client_id),
    foreign key (tenant_id, client_id) references clients (tenant_id, id)
);

-- Keys that are known of a client before anything came by them. Several clients may share one.
create table client_contacts (
    tenant_id       uuid not null references tenants,
    client_id       uuid not null,
    type            text not null check (type in ('email', 'phone', 'whatsapp', 'slack')),
    value           text not null,
    created_at      timestamptz not null default now(),
    primary key (tenant_id, client_id, type, value),
    foreign key (tenant_id, client_id) references clients (tenant_id, id)
);
create index client_contacts_value on client_contacts (tenant_id, type, value);

-- Messages whose sender could be several clients. Meanwhile a client of its own has the key and the
-- ticket; deciding merges it into one of the candidates, or keeps it.
create table ambiguities (
    tenant_id       uuid not null references tenants,
    id              uuid not null,
    inbound_id      uuid not null,
    ticket_id       uuid not null,
    client_id       uuid not null,
    decided_at      timestamptz,
    decided_by      uuid,
    -- The merge that decided it; none when the client was kept. A merge that is undone opens it again.
    merge_id        uuid,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint ambiguities_client_unique unique (tenant_id, client_id),
    foreign key (tenant_id, inbound_id) references inbound_messages (tenant_id, id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
    foreign key (tenant_id, client_id) references clients (tenant_id, id),
    foreign key (tenant_id, decided_by) references users (tenant_id, id),
    foreign key (tenant_id, merge_id) references client_merges (tenant_id, id)
);
create index ambiguities_open on ambiguities (tenant_id, id) where decided_at is null;
create trigger touch before update on ambiguities for each row execute function touch_updated_at();

create table ambiguity_candidates (
    tenant_id       uuid not null references tenants,
    ambiguity_id    uuid not null,
    client_id       uuid not null,
    position        integer not null,
    reason          text not null,
    primary key (tenant_id, ambiguity_id, client_id),
    foreign key (tenant_id, ambiguity_id) references ambiguities (tenant_id, id),
    foreign key (tenant_id, client_id) references clients (tenant_id, id)
);
