//! The line that Switchboard's own mails bear, above which they ask to be answered.

/// Each stands alone on a line in every mail of Switchboard's that may be answered.
pub const OWN_LINES: [&str; 1] = ["— Write your answer above this line —"];

/// Whether a text still holds such a line, however it was quoted, wrapped or decorated: with it
/// stands what was told to an agent and is for nobody else. Letters alone are compared.
#[must_use]
pub fn holds_own_line(text: &str) -> bool {
    let text = letters(text);
    OWN_LINES.iter().any(|line| text.contains(&letters(line)))
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
