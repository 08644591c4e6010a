//! The text of text/enriched (RFC 1896) and of its forerunner text/richtext (RFC 1341, 7.1.3).

/// Text without its commands. In text/enriched a single line break is a space, in text/richtext
/// all are, and `<nl>` is the line break.
pub(super) fn to_text(source: &str, rich: bool) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    // How many <param>, <comment> or <nofill> are open.
    let (mut unseen, mut unfilled) = (0_usize, 0_usize);
    while let Some(at) = rest.find(['<', '\n']) {
        let (before, found) = rest.split_at(at);
        push(&mut text, before, unseen);
        if let Some(after) = found.strip_prefix("<<") {
            push(&mut text, "<", unseen);
            rest = after;
        } else if found.starts_with('\n') {
            let breaks = found.len() - found.trim_start_matches('\n').len();
            let shown = if unfilled > 0 {
                breaks
            } else if rich {
                0
            } else {
                breaks - 1
            };
            push(&mut text, &if shown == 0 { " ".to_owned() } else { "\n".repeat(shown) }, unseen);
            rest = &found[breaks..];
        } else {
            let Some((command, after)) = found[1..].split_once('>') else {
                push(&mut text, found, unseen);
                return text;
            };
            match command.trim().to_ascii_lowercase().as_str() {
                "param" | "comment" => unseen += 1,
                "/param" | "/comment" => unseen = unseen.saturating_sub(1),
                "nofill" => unfilled += 1,
                "/nofill" => unfilled = unfilled.saturating_sub(1),
                "nl" | "/paragraph" if rich => push(&mut text, "\n", unseen),
                "lt" if rich => push(&mut text, "<", unseen),
                _ => {}
            }
            rest = after;
        }
    }
    push(&mut text, rest, unseen);
    text
}

fn push(text: &mut String, piece: &str, unseen: usize) {
    if unseen == 0 {
        text.push_str(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_go_and_line_breaks_are_as_the_kind_says() {
        let enriched = "<bold>Now</bold> is the\ntime\n\nfor <color><param>red</param>a << b</color>\n\n\nend";
        assert_eq!(to_text(enriched, false), "Now is the time\nfor a < b\n\nend");
        assert_eq!(to_text("<nofill>a\nb</nofill>\nc", false), "a\nb c");
        assert_eq!(to_text("<bold>Now</bold> is<nl>the\n\ntime<comment>no</comment> <lt>", true), "Now is\nthe time <");
        assert_eq!(to_text("a <never closed", false), "a <never closed");
    }
}
