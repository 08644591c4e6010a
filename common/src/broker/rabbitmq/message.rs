//! A message as AMQP has it, and as the port has it.

use std::collections::BTreeMap;

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use uuid::Uuid;

use super::super::{DELIVERY_LIMIT, HEADER_QUEUE, HEADER_REASON, Outgoing};
use super::topology;

/// On a message that was given back: it was in somebody's hand before.
const HEADER_GIVEN_BACK: &str = "given-back";
/// What RabbitMQ notes on a message that it has put into the dead letters itself.
const HEADER_DEATHS: &str = "x-death";
/// Of the delivery modes, the one that is written to the disk.
const PERSISTENT: u8 = 2;

/// A delivery, read.
#[derive(Debug)]
pub struct Delivered {
    /// The publisher's id; `None` where it is not one of ours.
    pub id: Option<Uuid>,
    /// The sealed envelope.
    pub payload: Vec<u8>,
    /// What the publisher sent with it, without what brokers note on it.
    pub headers: BTreeMap<String, String>,
    /// It was in somebody's hand before.
    pub redelivered: bool,
    /// It came again because whoever had it did not answer, rather than gave it back.
    pub unanswered: bool,
    /// RabbitMQ itself put it where it is.
    pub died_here: bool,
}

/// The properties of a message to publish.
pub fn properties(message: &Outgoing, given_back: bool) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in &message.headers {
        // A longer name is none of ours.
        if let Ok(name) = ShortString::try_new(name.as_str()) {
            headers.insert(name, AMQPValue::LongString(value.as_str().into()));
        }
    }
    if given_back {
        headers.insert(HEADER_GIVEN_BACK.into(), AMQPValue::LongString("true".into()));
    }
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_message_id(message.id.to_string().as_str().into())
        .with_headers(headers)
}

/// Reads a delivery. `prefix` is what the names of queues begin with here.
pub fn read(delivery: Delivery, prefix: &str) -> Delivered {
    let id = delivery.properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok());
    let table = delivery.properties.headers().clone().unwrap_or_default();
    let given_back = table.contains_key(HEADER_GIVEN_BACK);
    let mut headers: BTreeMap<String, String> = table
        .inner()
        .iter()
        .filter(|(name, _)| name.as_str() != HEADER_GIVEN_BACK && !name.as_str().starts_with("x-"))
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)))
        .collect();
    let death = if headers.contains_key(HEADER_REASON) { None } else { last_death(&table) };
    let died_here = death.is_some();
    if let Some((queue, reason)) = death {
        headers.insert(HEADER_QUEUE.to_owned(), topology::without_prefix(prefix, &queue).to_owned());
        headers.insert(HEADER_REASON.to_owned(), reason);
    }
    Delivered {
        id,
        payload: delivery.data,
        headers,
        redelivered: delivery.redelivered || given_back,
        unanswered: delivery.redelivered,
        died_here,
    }
}

/// From which queue RabbitMQ took a message last, and why.
fn last_death(headers: &FieldTable) -> Option<(String, String)> {
    let AMQPValue::FieldArray(deaths) = headers.inner().get(HEADER_DEATHS)? else { return None };
    let AMQPValue::FieldTable(death) = deaths.as_slice().first()? else { return None };
    let noted = |name: &str| death.inner().get(name).and_then(text);
    let reason = match noted("reason")?.as_str() {
        "delivery_limit" => format!("delivered {DELIVERY_LIMIT} times without an answer"),
        other => format!("RabbitMQ took it out of the queue: {other}"),
    };
    Some((noted("queue")?, reason))
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => String::from_utf8(text.as_bytes().to_vec()).ok(),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(properties: BasicProperties) -> Delivery {
        let mut delivery = Delivery::mock(1, "".into(), "desk.dead".into(), false, b"{}".to_vec());
        delivery.properties = properties;
        delivery
    }

    fn outgoing() -> Outgoing {
        Outgoing { id: Uuid::from_u128(7), payload: Vec::new(), headers: [("trace".to_owned(), "t — ü".to_owned())].into() }
    }

    #[test]
    fn a_message_arrives_as_it_was_sent() {
        let read_back = read(delivery(properties(&outgoing(), false)), "desk");
        assert_eq!((read_back.id, read_back.headers, read_back.redelivered), (Some(Uuid::from_u128(7)), outgoing().headers, false));
    }

    #[test]
    fn what_was_given_back_is_marked_and_its_mark_is_no_header() {
        let read_back = read(delivery(properties(&outgoing(), true)), "desk");
        assert_eq!((read_back.headers, read_back.redelivered, read_back.unanswered), (outgoing().headers, true, false));
    }

    #[test]
    fn what_rabbitmq_gave_up_on_says_from_where_and_why() {
        let noted = |reason: &str| {
            let mut death = FieldTable::default();
            death.insert("queue".into(), AMQPValue::LongString("desk.inbound.backlog".into()));
            death.insert("reason".into(), AMQPValue::LongString(reason.into()));
            let mut headers = FieldTable::default();
            headers.insert("x-death".into(), AMQPValue::FieldArray(vec![AMQPValue::FieldTable(death)].into()));
            headers.insert("x-first-death-reason".into(), AMQPValue::LongString(reason.into()));
            let read_back = read(delivery(BasicProperties::default().with_headers(headers)), "desk");
            assert!(read_back.died_here && read_back.id.is_none());
            read_back.headers.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(noted("delivery_limit"), ["dead-queue=inbound.backlog", "dead-reason=delivered 50 times without an answer"]);
        assert_eq!(noted("expired")[1], "dead-reason=RabbitMQ took it out of the queue: expired");
    }
}
