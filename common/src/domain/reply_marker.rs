//! The line above which an agent writes an answer by mail: the notifier puts it on top of what it
//! quotes, and whoever reads the answer cuts from it on.

/// Stands alone on a line in every mail that may be answered.
pub const REPLY_MARKER: &str = "— Write your answer above this line —";

/// Whether a text still holds the line, however it was quoted, wrapped or decorated: with it stands
/// what was told to an agent and is for nobody else. Letters alone are compared.
#[must_use]
pub fn holds_marker(text: &str) -> bool {
    letters(text).contains(&letters(REPLY_MARKER))
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found_quoted_wrapped_and_in_capitals() {
        for text in
            ["> > -- Write your answer\n> > above this line --", "*WRITE YOUR ANSWER ABOVE THIS LINE*", &format!("a\n{REPLY_MARKER}\nb")]
        {
            assert!(holds_marker(text), "{text}");
        }
        assert!(!holds_marker("Write your answer on this line"));
    }
}
