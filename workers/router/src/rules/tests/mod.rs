//! The rules, in tables and as laws.

mod laws;
mod naive;
mod table;
mod world;
