//! What holds the mail reader to its promise: what is true of every mail that was read, and mails to
//! try it on.
//!
//! [`promise`] is the promise, in one place for the tests and the fuzz targets. The mails: [`corpus`]
//! are those in the repository, [`mutate`] damages them, [`structured`] puts mails together from
//! lines of mail, [`shapes`] are the worst that can be sent of any size, and [`everyday`] what
//! a support desk gets all day.

pub mod corpus;
pub mod everyday;
pub mod mutate;
pub mod promise;
mod safe;
pub mod shapes;
pub mod structured;
