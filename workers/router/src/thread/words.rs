//! Sentences that name tickets, some of which have no number yet.

use std::fmt;

use chrono::TimeDelta;
use switchboard_common::ids::TicketId;

/// A sentence in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Ticket(TicketId),
}

impl Words {
    /// A sentence that begins with this.
    pub fn of(text: impl Into<String>) -> Self {
        Self(vec![Piece::Text(text.into())])
    }

    /// Goes on with a ticket's number.
    #[must_use]
    pub fn ticket(mut self, id: TicketId) -> Self {
        self.0.push(Piece::Ticket(id));
        self
    }

    /// Goes on with this.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Text(text.into()));
        self
    }

    /// The whole, once tickets have numbers.
    #[must_use]
    pub fn with_numbers(&self, number: impl Fn(TicketId) -> i64) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Ticket(id) => format!("#{}", number(*id)),
        });
        pieces.collect()
    }
}

/// A span of time as people say it.
pub struct Span(pub TimeDelta);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.num_seconds().unsigned_abs();
        match seconds {
            0..120 => write!(f, "{seconds} s"),
            120..7_200 => write!(f, "{} min", seconds / 60),
            7_200..=172_800 => write!(f, "{} h", seconds / 3_600),
            _ => write!(f, "{} days", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_as_people_say_it() {
        for (seconds, said) in
            [(0, "0 s"), (119, "119 s"), (180, "3 min"), (86_400, "24 h"), (172_800, "48 h"), (259_200, "3 days"), (-180, "3 min")]
        {
            assert_eq!(Span(TimeDelta::seconds(seconds)).to_string(), said);
        }
    }
}
