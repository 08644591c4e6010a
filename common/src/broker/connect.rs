//! The broker that the configuration names.

use std::sync::Arc;

use secrecy::ExposeSecret;
use sqlx::PgPool;

use super::postgres::{self, PostgresBroker};
use super::rabbitmq::{self, RabbitBroker};
use super::{Broker, BrokerError};
use crate::ambient::Ambient;
use crate::config::Config;

/// RabbitMQ where `amqp.url` is set, else the database. Nothing is connected to yet: a server that is
/// away is waited for by whoever needs it. Must be called within a tokio runtime.
///
/// # Errors
/// When the configuration cannot be used.
pub fn connect(config: &Config, pool: &PgPool, ambient: &Ambient) -> Result<Arc<dyn Broker>, BrokerError> {
    if let Some(url) = &config.amqp.url {
        let (prefix, ca_file) = (&config.amqp.prefix, config.tls.ca_file.as_deref());
        let broker = RabbitBroker::new(url.expose_secret(), prefix, ca_file, ambient.clone(), rabbitmq::Limits::default())?;
        return Ok(Arc::new(broker));
    }
    let limits = postgres::Limits { lease: config.broker.lease, ..postgres::Limits::default() };
    Ok(Arc::new(PostgresBroker::new(pool.clone(), ambient.clone(), limits)))
}
