//! Text that was signed within itself (RFC 9580, 7; RFC 4880 calls it the cleartext signature framework).

const BEGINS: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const ENDS: &str = "-----END PGP SIGNATURE-----";

/// What was signed, and what follows it; `None` where the text does not begin so, or nothing was signed.
pub(super) fn signed(text: &str) -> Option<String> {
    let framed = text.trim_start().strip_prefix(BEGINS)?;
    // Below come the names of hashes, and an empty line.
    let (_, framed) = framed.split_once('\n')?;
    let headers = framed.split_inclusive('\n').take_while(|line| line.starts_with("Hash:") || line.starts_with("Charset:"));
    let framed = &framed[headers.map(str::len).sum()..];
    let (signed, signature) = framed.split_once(SIGNATURE).unwrap_or((framed, ""));
    // A signature that has no end may have the rest of the text in it.
    let after = signature.split_once(ENDS).map_or(signature, |(_, after)| after);
    let mut plain = String::with_capacity(text.len());
    for line in signed.split_inclusive('\n') {
        plain.push_str(line.strip_prefix("- ").unwrap_or(line));
    }
    plain.push_str(after);
    (!signed.trim().is_empty()).then(|| plain.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_armour_goes_and_the_text_is_as_it_was_written() {
        let text = format!("{BEGINS}\nHash: SHA256\n\nYes.\n- - one\n- -- \nAda\n{SIGNATURE}\n\niQ\n{ENDS}\n\nlist footer\n");
        assert_eq!(signed(&text).as_deref(), Some("Yes.\n- one\n-- \nAda\n\n\nlist footer"));
        assert_eq!(signed(&format!("{BEGINS}\n\ncut")).as_deref(), Some("cut"));
        assert_eq!(signed(&format!("{BEGINS}\n\nYes.\n{SIGNATURE}\niQ\n\nMore.")).as_deref(), Some("Yes.\n\niQ\n\nMore."));
        assert_eq!(signed(&format!("{BEGINS}\nHash: SHA256\n\n{SIGNATURE}")), None);
        assert_eq!(signed(&format!("See:\n{BEGINS}\n\nx")), None);
    }
}
