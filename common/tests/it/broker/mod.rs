//! Every implementation of the broker port passes one suite.

mod postgres;
mod proxy;
mod rabbitmq;
mod suite;
