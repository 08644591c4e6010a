//! The number of a ticket, as people write it.

/// A ticket's number, with or without the `#` that stands before it wherever we write one.
pub fn parse(text: &str) -> Result<i64, &'static str> {
    let number = text.strip_prefix('#').unwrap_or(text).parse().ok();
    number.filter(|number| *number > 0).ok_or("expected a number like 12 or #12")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_named_with_or_without_its_sign() {
        assert_eq!((parse("12"), parse("#12")), (Ok(12), Ok(12)));
        for text in ["", "#", "0", "-1", "twelve", "##1"] {
            assert_eq!(parse(text), Err("expected a number like 12 or #12"), "{text}");
        }
    }
}
