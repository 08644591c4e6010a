//! A message as Slack shows it: blocks (Block Kit), and a text for where they are not shown, within what Slack takes.

use serde_json::{Value, json};

use super::helpers::truncate;

/// The text of a message, in characters: what is longer is cut off by Slack
/// (<https://docs.slack.dev/reference/methods/chat.postMessage>, "Truncating content").
pub(super) const LONGEST_TEXT: usize = 40_000;
/// The text for where blocks are not shown.
const FALLBACK: usize = 3000;
/// A header, in characters (<https://docs.slack.dev/reference/block-kit/blocks/header-block>).
const HEADER: usize = 150;
/// A section's text, and a context's (<https://docs.slack.dev/reference/block-kit/blocks/section-block>).
const SECTION: usize = 3000;
/// Blocks in a message (<https://docs.slack.dev/reference/block-kit/blocks>).
const BLOCKS: usize = 50;
/// All blocks together, in characters. Slack refuses about 13,200 with `msg_blocks_too_long`, and documents no limit
/// (<https://github.com/slackapi/bolt-js/issues/2509>).
const ALL: usize = 11_000;

/// The text and the blocks of a message of mrkdwn. `more` is said where something is left out.
pub(super) fn message(header: Option<&str>, context: Option<&str>, said: &str, more: &str) -> (String, Value) {
    let mut blocks = Vec::new();
    let header = header.map(|header| truncate(header.trim(), HEADER)).filter(|header| !header.is_empty());
    if let Some(header) = &header {
        let header = header.chars().take(HEADER).collect::<String>();
        blocks.push(json!({ "type": "header", "text": { "type": "plain_text", "text": header, "emoji": false } }));
    }
    if let Some(context) = context.map(str::trim).filter(|context| !context.is_empty()) {
        let context = chunks(context).next().unwrap_or_default();
        blocks.push(json!({ "type": "context", "elements": [mrkdwn(context)] }));
    }
    let mut room = ALL;
    let mut all = chunks(said);
    // One block is left for saying that there is more.
    let fitting = all.by_ref().take(BLOCKS - 1 - blocks.len()).take_while(|chunk| {
        let fits = chunk.chars().count() <= room;
        room = room.saturating_sub(chunk.chars().count());
        fits
    });
    let sections: Vec<Value> = fitting.map(|chunk| json!({ "type": "section", "text": mrkdwn(chunk) })).collect();
    let shown: usize = sections.iter().filter_map(|section| section["text"]["text"].as_str()).map(count).sum();
    blocks.extend(sections);
    if shown < count(said) {
        blocks.push(json!({ "type": "context", "elements": [mrkdwn(more)] }));
    }
    let fallback: Vec<String> = header.map(|header| escape(&header)).into_iter().chain(chunks(said).next().map(str::to_owned)).collect();
    (cut(&fallback.join("\n"), FALLBACK).to_owned(), Value::Array(blocks))
}

fn count(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text with markup. `verbatim`: addresses and names in it become no links by themselves
/// (<https://docs.slack.dev/reference/block-kit/composition-objects/text-object>).
fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

/// A text in parts that a section takes.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim();
    std::iter::from_fn(move || {
        let chunk = cut(rest, SECTION);
        rest = rest[chunk.len()..].trim_start_matches('\n');
        let chunk = chunk.trim_end();
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// The beginning of a text, at most so many characters: whole lines where there are several, and never within an escaped character.
fn cut(text: &str, most: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(most) else { return text };
    let begin = &text[..end];
    let bound = |c: char| begin.rfind(c).filter(|at| *at * 2 > end);
    let escape = begin.rfind('&').filter(|at| end - at < 6 && !begin[*at..].contains(';'));
    &begin[..bound('\n').or_else(|| bound(' ')).or(escape).unwrap_or(end)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections(blocks: &Value) -> Vec<&str> {
        let blocks = blocks.as_array().expect("blocks");
        blocks.iter().filter(|block| block["type"] == "section").filter_map(|block| block["text"]["text"].as_str()).collect()
    }

    #[test]
    fn a_message_stays_within_what_slack_takes() {
        for text in ["a line of text\n".repeat(5000), "x".repeat(100_000), "&amp;".repeat(30_000), "é word ".repeat(20_000), "\n".repeat(9)]
        {
            let (fallback, blocks) = message(Some(&"h".repeat(400)), Some(&"c".repeat(4000)), &text, "and more");
            let all = blocks.as_array().expect("blocks");
            assert!(all.len() <= BLOCKS && fallback.chars().count() <= FALLBACK);
            assert_eq!(all[0]["text"]["text"].as_str().map(|header| header.chars().count()), Some(HEADER));
            assert!(all[1]["elements"][0]["text"].as_str().is_some_and(|context| context.chars().count() <= SECTION));
            let total: usize = sections(&blocks).iter().map(|section| section.chars().count()).sum();
            assert!(total <= ALL && sections(&blocks).iter().all(|section| (1..=SECTION).contains(&section.chars().count())));
            let says_more = all.last().expect("a block")["elements"][0]["text"] == "and more";
            assert_eq!(says_more, text.trim().len() > ALL);
        }
    }

    #[test]
    fn no_word_is_lost_between_sections_and_no_escape_is_cut_in_two() {
        let text: String = (0..900).map(|n| format!("{n} &lt;\n")).collect();
        let (_, blocks) = message(None, None, &text, "more");
        assert!(sections(&blocks).len() > 1);
        assert_eq!(sections(&blocks).join("\n").split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        let (_, blocks) = message(None, None, &"&amp;".repeat(1900), "more");
        assert!(sections(&blocks).iter().all(|section| section.len() % 5 == 0), "{:?}", sections(&blocks));
    }
}
