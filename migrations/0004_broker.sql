-- PostgreSQL as the broker, for the embedded default. Not used when AMQP_URL names a RabbitMQ.

create schema broker;

create table broker.messages (
    position        bigint generated always as identity primary key,
    id              uuid not null,
    queue           text not null,
    payload         bytea not null,
    headers         jsonb not null,
    -- How often it was handed out: a backstop against a message that kills whoever takes it.
    deliveries      integer not null default 0,
    lease_token     uuid,
    -- In the queue when this is past; in somebody's hand until then.
    visible_at      timestamptz not null
);
create index broker_messages_visible on broker.messages (queue, visible_at, position);
