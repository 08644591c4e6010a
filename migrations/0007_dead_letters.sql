-- Dead letters are found by the desk that they are for, and what becomes of them stays on record.

-- What the payload says, unchecked: no foreign key, and null where it cannot be read.
alter table dead_letters add column tenant_id uuid;

do $$
declare
    letter record;
begin
    for letter in select id, payload from dead_letters loop
        begin
            update dead_letters
            set tenant_id = (convert_from(letter.payload, 'UTF8')::jsonb #>> '{body,tenant_id}')::uuid
            where id = letter.id;
        exception when data_exception then
            -- Not readable, which may be why it died.
            null;
        end;
    end loop;
end $$;

create type letter_end as enum ('replayed', 'edited', 'dropped');

-- One row each time that somebody replayed or dropped a dead letter, without what stood in it. How
-- often a letter died follows from this.
create table settled_letters (
    id              uuid primary key,
    letter_id       uuid not null,
    queue           text not null,
    reason          text not null,
    died_at         timestamptz not null,
    -- 'edited': replayed with another payload.
    how             letter_end not null,
    -- The user of the machine who gave the command.
    settled_by      text not null,
    settled_at      timestamptz not null,
    created_at      timestamptz not null default now()
);
create index settled_letters_letter on settled_letters (letter_id);
