//! The broker that the configuration names.

use std::sync::Arc;

use sqlx::PgPool;

use super::postgres::{Limits, PostgresBroker};
use super::{Broker, BrokerError};
use crate::ambient::Ambient;
use crate::config::Config;

/// RabbitMQ where `amqp.url` is set, else the database. Nothing is connected to yet: a server that is
/// away is waited for by whoever needs it. Must be called within a tokio runtime.
///
/// # Errors
/// When the configuration cannot be used.
pub fn connect(config: &Config, pool: &PgPool, ambient: &Ambient) -> Result<Arc<dyn Broker>, BrokerError> {
    if config.amqp.url.is_some() {
        return Err(BrokerError::Unavailable { call: "connect", source: "RabbitMQ is not spoken yet".into() });
    }
    let limits = Limits { lease: config.broker.lease, ..Limits::default() };
    Ok(Arc::new(PostgresBroker::new(pool.clone(), ambient.clone(), limits)))
}
