//! Plain texts that say nothing but that the mail is to be read as HTML.

/// A longer text says something of its own.
const LONGEST: usize = 600;

/// What stands in such texts: letters and digits in lower case, one space between words.
const PLACEHOLDERS: [&str; 22] = [
    // PHPMailer's old examples; from general knowledge, not looked up.
    "please use an html compatible email viewer",
    // Default text versions of newsletter programs; from general knowledge, not looked up.
    "software cannot display the html version",
    "does not contain a plain text alternative",
    "your email client cannot read this email",
    "your email client does not support html",
    "your e mail client does not support html",
    "your mail client does not support html",
    "your email program does not support html",
    "your mail program does not support html",
    "your email reader does not support html",
    "your email client does not seem to support html",
    "this email requires an html",
    "this message is in html format",
    "this is an html email",
    "this is a html email",
    "this is an html message",
    "please view this email in html",
    // The same in other languages; from general knowledge, not looked up.
    "ihr e mail programm unterstützt kein html",
    "ihr e mail programm kann keine html",
    "votre messagerie ne supporte pas le html",
    "votre logiciel de messagerie ne prend pas en charge le html",
    "su cliente de correo no soporta html",
];

/// Whether a text is such.
pub(super) fn is_placeholder(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let plain = words.join(" ");
    PLACEHOLDERS.iter().any(|placeholder| plain.contains(placeholder))
}
