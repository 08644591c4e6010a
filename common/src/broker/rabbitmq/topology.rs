//! What stands on the server: every exchange, queue, argument and binding, and why.
//!
//! It is declared anew at each connection, so that what somebody deleted comes back. Everything here
//! is known to RabbitMQ 3.10 and still allowed by 4.x. An argument cannot be changed once a queue
//! stands: RabbitMQ refuses to declare it with others, and [`Topology::declare`] says so.

use std::fmt;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};
use serde::Serialize;

use super::super::{BrokerError, DELIVERY_LIMIT, Queue};

/// RabbitMQ counts how often a message came *again*, so the first delivery is left out.
const REDELIVERIES: u32 = DELIVERY_LIMIT - 1;

/// No limit at all: RabbitMQ 4 takes 20 where none is given, 3.10 refuses the -1 that means none
/// there, and nobody gets as far as this.
const NO_LIMIT: u32 = i32::MAX.unsigned_abs();

/// The code of RabbitMQ's refusal to declare what stands with other arguments.
const PRECONDITION_FAILED: u16 = 406;

/// All that one deployment has on a server.
#[derive(Debug, Clone, Serialize)]
pub struct Topology {
    /// Where dead letters go by.
    pub exchanges: Vec<ExchangeSpec>,
    /// Where messages wait.
    pub queues: Vec<QueueSpec>,
    /// Which exchange feeds which queue. Work goes by the default exchange, which knows every queue by
    /// its name and needs no binding that could be lost.
    pub bindings: Vec<Binding>,
}

/// An exchange. Durable.
#[derive(Debug, Clone, Serialize)]
pub struct ExchangeSpec {
    /// Its name.
    pub name: String,
    /// Its type, as RabbitMQ calls it.
    pub kind: &'static str,
    /// What it is for.
    pub why: &'static str,
}

/// A queue. Durable.
#[derive(Debug, Clone, Serialize)]
pub struct QueueSpec {
    /// Which of the port's queues it is.
    #[serde(skip)]
    pub queue: Queue,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub why: &'static str,
    /// How it is declared.
    pub arguments: Vec<Argument>,
}

/// An argument of a queue.
#[derive(Debug, Clone, Serialize)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
    /// What it is for.
    pub why: &'static str,
}

/// What an argument is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A word.
    Text(String),
    /// A number.
    Number(u32),
}

/// A binding, for any routing key.
#[derive(Debug, Clone, Serialize)]
pub struct Binding {
    /// From where.
    pub exchange: String,
    /// To where.
    pub queue: String,
    /// What it is for.
    pub why: &'static str,
}

/// The name of a queue on the server.
#[must_use]
pub fn queue_name(prefix: &str, queue: Queue) -> String {
    format!("{prefix}.{}", queue.as_str())
}

/// Which queue a name on the server means, without its prefix; as it is when it is somebody else's.
#[must_use]
pub fn without_prefix<'a>(prefix: &str, name: &'a str) -> &'a str {
    name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
}

impl Topology {
    /// What stands for the deployment with this prefix.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        let dead_letters = format!("{prefix}.dead-letters");
        let dead = queue_name(prefix, Queue::Dead);
        Self {
            queues: Queue::ALL
                .into_iter()
                .map(|queue| QueueSpec {
                    queue,
                    name: queue_name(prefix, queue),
                    why: purpose(queue),
                    arguments: if queue == Queue::Dead { of_dead() } else { of_work(&dead_letters) },
                })
                .collect(),
            bindings: vec![Binding { exchange: dead_letters.clone(), queue: dead, why: "every dead letter, whatever its routing key" }],
            exchanges: vec![ExchangeSpec { name: dead_letters, kind: "fanout", why: "takes what RabbitMQ itself gives up on" }],
        }
    }

    /// Declares all of it. What stands already, as it should, stays as it is.
    ///
    /// # Errors
    /// When something stands with other arguments, or may not be declared, or the server is away.
    pub async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        for exchange in &self.exchanges {
            let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
            let kind = ExchangeKind::Custom(exchange.kind.to_owned());
            let declared = channel.exchange_declare(exchange.name.as_str().into(), kind, options, FieldTable::default()).await;
            declared.map_err(|error| refused("exchange", &exchange.name, error))?;
        }
        for queue in &self.queues {
            let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            let declared = channel.queue_declare(queue.name.as_str().into(), options, queue.table()).await;
            declared.map_err(|error| refused("queue", &queue.name, error))?;
        }
        for binding in &self.bindings {
            let (queue, exchange) = (binding.queue.as_str().into(), binding.exchange.as_str().into());
            let bound = channel.queue_bind(queue, exchange, "".into(), QueueBindOptions::default(), FieldTable::default()).await;
            bound.map_err(|error| refused("binding to", &binding.queue, error))?;
        }
        Ok(())
    }
}

impl QueueSpec {
    /// The arguments as AMQP has them.
    fn table(&self) -> FieldTable {
        let mut table = FieldTable::default();
        for argument in &self.arguments {
            let value = match &argument.value {
                Value::Text(text) => AMQPValue::LongString(text.as_str().into()),
                Value::Number(number) => AMQPValue::LongLongInt(i64::from(*number)),
            };
            table.insert(argument.name.into(), value);
        }
        table
    }
}

fn purpose(queue: Queue) -> &'static str {
    match queue {
        Queue::Inbound => "what came in, for the router",
        Queue::InboundBacklog => "what came in long ago, for the router when it has time",
        Queue::Events => "what happened to tickets, for the notifier",
        Queue::Dead => "what could not be processed, on its way to the table dead_letters",
    }
}

fn quorum() -> Argument {
    Argument {
        name: "x-queue-type",
        value: Value::Text("quorum".to_owned()),
        why: "confirms only what is on the disks of a majority; a classic queue confirms before",
    }
}

fn of_work(dead_letters: &str) -> Vec<Argument> {
    let text = |name, value: &str, why| Argument { name, value: Value::Text(value.to_owned()), why };
    vec![
        quorum(),
        Argument {
            name: "x-delivery-limit",
            value: Value::Number(REDELIVERIES),
            why: "the backstop against a message that kills every process that takes it; to give back does not count",
        },
        text("x-dead-letter-exchange", dead_letters, "where it goes then"),
        text("x-dead-letter-strategy", "at-least-once", "stays here until the dead letters have it"),
        text("x-overflow", "reject-publish", "at-least-once asks for it; no length is limited, so nothing is refused"),
    ]
}

fn of_dead() -> Vec<Argument> {
    let limit = Argument {
        name: "x-delivery-limit",
        value: Value::Number(NO_LIMIT),
        why: "a dead letter cannot die again: this is never reached, and RabbitMQ 4 would take 20",
    };
    vec![quorum(), limit]
}

/// Why something cannot be declared, and what to do where that is known.
fn refused(what: &str, name: &str, error: lapin::Error) -> BrokerError {
    let call = "declare its queues";
    match error.kind() {
        lapin::ErrorKind::ProtocolError(protocol) if protocol.get_id() == PRECONDITION_FAILED => {
            let said = protocol.get_message();
            let help = "delete it once it is empty, or choose another amqp.prefix";
            BrokerError::Unavailable { call, source: format!("the {what} {name} stands with other arguments ({said}): {help}").into() }
        }
        _ if matches!(error.kind(), lapin::ErrorKind::ProtocolError(_)) => {
            BrokerError::Unavailable { call, source: format!("the {what} {name}: {error}").into() }
        }
        _ => BrokerError::Unavailable { call, source: error.into() },
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_its_own_prefix_only() {
        assert_eq!(without_prefix("desk", "desk.inbound.backlog"), "inbound.backlog");
        assert_eq!(without_prefix("desk", "desks.inbound"), "desks.inbound");
    }

    #[test]
    fn work_that_dies_goes_where_nothing_dies() {
        let topology = Topology::new("desk");
        let binding = &topology.bindings[0];
        for queue in topology.queues {
            let argument = |name| queue.arguments.iter().find(|argument| argument.name == name).map(|argument| argument.value.clone());
            assert_eq!(argument("x-queue-type"), Some(Value::Text("quorum".to_owned())));
            if queue.queue == Queue::Dead {
                assert_eq!((&binding.queue, argument("x-dead-letter-exchange")), (&queue.name, None));
            } else {
                assert_eq!(argument("x-dead-letter-exchange"), Some(Value::Text(binding.exchange.clone())), "{}", queue.name);
                assert_eq!(argument("x-delivery-limit"), Some(Value::Number(DELIVERY_LIMIT - 1)));
            }
        }
    }
}
