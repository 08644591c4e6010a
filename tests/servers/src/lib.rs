//! Real servers for tests: each private, on a free port of the loopback, in a folder of its own, and
//! gone with the test that started it.
//!
//! * [`certificates`]: a certificate authority and a server's certificate, for TLS.
//! * [`dovecot`]: mailboxes, by IMAP and LMTP.
//! * [`exim`]: a mail server that takes mail by SMTP.
//! * [`platforms`]: stand-ins for Slack, WhatsApp, Twilio, whoever takes webhooks, and a token endpoint.
//! * [`process`]: what all of them need: a folder, a user without power, a port, and a child that
//!   does not outlive its parent.
//! * [`rabbitmq`]: a message broker, which tests may share.

pub mod certificates;
pub mod dovecot;
pub mod exim;
pub mod platforms;
pub mod process;
pub mod rabbitmq;
