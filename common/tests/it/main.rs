//! What the workers share, against real servers.

mod broker;
