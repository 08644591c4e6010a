use std::fmt::Write as _;
use std::time::Duration;

use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::MimePart;
use nix::time::{ClockId, clock_gettime};
use proptest::prelude::*;

use super::*;
use crate::flags::Flag;

fn shape(raw: &str) -> (String, Vec<Flag>) {
    let (mut flags, store) = (Flags::default(), Store::default());
    let mut out = String::new();
    describe(&Part::read_with(raw.as_bytes(), &store, &mut flags), &mut out);
    (out, flags.into_vec())
}

fn describe(part: &Part<'_>, out: &mut String) {
    match &part.content {
        Content::Leaf(body) => write!(out, "{:?}", String::from_utf8_lossy(body)).expect("a string takes everything"),
        Content::Parts(parts) => {
            out.push('[');
            for part in parts {
                describe(part, out);
            }
            out.push(']');
        }
    }
}

#[test]
fn a_boundary_that_begins_like_another_is_told_apart() {
    let raw = "Content-Type: multipart/mixed; boundary=b\n\nfore\n--b\n\none\n--b1\nstill one\n--b \n\
               Content-Type: multipart/mixed; boundary=b1\n\n--b1\n\ntwo\n--b1--\n--b--\nafter\n";
    assert_eq!(shape(raw), ("[\"one\\n--b1\\nstill one\"[\"two\"]]".to_owned(), vec![Flag::LeftOutEpilogue]));
}

#[test]
fn a_boundary_that_never_comes_is_guessed_and_without_one_the_body_is_text() {
    let raw = "Content-Type: multipart/mixed; boundary=wrong\n\n--right\nContent-Type: text/plain\n\none\n--right--\n";
    assert_eq!(shape(raw), ("[\"one\"]".to_owned(), vec![Flag::BrokenStructure]));
    let raw = "Content-Type: multipart/mixed\n\n--right\n\none\n--right\n\ntwo\n--right--\n";
    assert_eq!(shape(raw), ("[\"one\"\"two\"]".to_owned(), vec![Flag::BrokenStructure]));
    assert_eq!(shape("Content-Type: multipart/mixed\n\njust text"), ("\"just text\"".to_owned(), vec![Flag::BrokenStructure]));
    let closed = "Content-Type: multipart/mixed; boundary=b\n\njust text\n--b--\n";
    assert_eq!(shape(closed), ("\"just text\"".to_owned(), vec![Flag::BrokenStructure]));
    let unannounced = "Subject: x\n\n--b\nContent-Type: text/plain\n\none\n--b--\n";
    assert_eq!(shape(unannounced), ("[\"one\"]".to_owned(), vec![Flag::BrokenStructure]));
}

#[test]
fn an_outer_boundary_ends_what_was_never_closed() {
    let raw = "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n\
               --i\n\none\n--i\nContent-Type: text/html\n--o\n\ntwo\n";
    assert_eq!(shape(raw), ("[[\"one\"\"\"]\"two\\n\"]".to_owned(), vec![Flag::BrokenStructure]));
}

#[test]
fn two_levels_with_the_same_boundary_are_two_levels() {
    let raw = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=b\n\n\
               --b\n\none\n--b\n\ntwo\n--b--\n--b\n\nfile\n--b--\n";
    assert_eq!(shape(raw), ("[[\"one\"\"two\"]\"file\"]".to_owned(), vec![]));
}

#[test]
fn parts_after_the_closing_delimiter_are_read_and_text_there_is_not() {
    let raw = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\nfooter\n--b\n\ntwo\n--b--\n";
    assert_eq!(shape(raw), ("[\"one\"\"two\"]".to_owned(), vec![Flag::LeftOutEpilogue, Flag::BrokenStructure]));
}

#[test]
fn a_multipart_that_is_encoded_as_a_whole_is_read() {
    let body = data_encoding::BASE64.encode(b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n");
    let raw = format!("Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n{body}\n");
    assert_eq!(shape(&raw), ("[\"one\"\"two\"]".to_owned(), vec![Flag::BrokenStructure]));
}

#[test]
fn carriage_returns_alone_end_lines_too() {
    let raw = b"Content-Type: multipart/mixed; boundary=b\r\r--b\r\rone\r--b--\r";
    let lines = with_line_feeds(raw);
    assert_eq!(shape(std::str::from_utf8(&lines).expect("text")).0, "[\"one\"]");
    assert_eq!(with_line_feeds(b"a\rb\r\nc").as_ref(), b"a\rb\r\nc");
}

#[test]
fn bombs_of_depth_and_of_parts_are_cut_short() {
    let nested = "Content-Type: message/rfc822\n\n".repeat(200_000);
    assert_eq!(shape(&nested).1, []);
    let deep: String = (0..10_000).fold(String::new(), |mut raw, level| {
        write!(raw, "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n").expect("a string takes everything");
        raw
    });
    assert_eq!(shape(&deep).1, [Flag::CutStructure, Flag::BrokenStructure]);
    let wide = format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", "--b\n\nx\n".repeat(10_000));
    assert_eq!(shape(&wide).1, [Flag::CutStructure]);
}

/// How long this thread worked, whatever else the machine did meanwhile.
fn worked(work: impl Fn()) -> Duration {
    let now = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock"));
    let once = || {
        let start = now();
        work();
        now().saturating_sub(start)
    };
    once().min(once()).max(Duration::from_millis(2))
}

#[test]
fn no_structure_takes_longer_than_its_size() {
    let prefixes: String = (1..=16).fold(String::new(), |mut raw, level| {
        let boundary = "b".repeat(level * 4);
        write!(raw, "Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n").expect("a string takes everything");
        raw
    });
    let deep =
        (0..16).map(|level| format!("Content-Type: multipart/mixed; boundary=wrong{level}\n\n--r{level}\n")).collect::<Vec<_>>().concat();
    let mixed = "Content-Type: multipart/mixed; boundary=b\n\n".to_owned();
    for (start, shape) in [
        (mixed.clone(), "--b\n\n"),
        (mixed.clone(), "--b\nContent-Type: multipart/mixed; boundary=never\n\n--other\n\nx\n"),
        (mixed.clone(), "--b--\n--b\n"),
        (mixed, "--b\n--"),
        (prefixes, "--bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbx\n"),
        (deep, "--x\n\n"),
        ("Content-Type: multipart/mixed\n\n".to_owned(), "--a\n"),
        ("Content-Type: multipart/mixed\nContent-Transfer-Encoding: base64\n\n".to_owned(), "LS1iCi0tYgot\n"),
        (String::new(), "--b\nContent-Type: text/plain\n\n"),
        ("Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n".to_owned(), "MIAwgDCAMIAwgDCAMIAwgA=="),
    ] {
        let time = |size: usize| {
            let raw = start.clone() + &shape.repeat(size / shape.len());
            worked(|| drop(Part::read_with(raw.as_bytes(), &Store::default(), &mut Flags::default())))
        };
        let (once, four_times) = (time(100_000), time(400_000));
        assert!(four_times < once * 9, "{shape:?}: {once:?}, four times as many {four_times:?}");
    }
}

fn tree() -> impl Strategy<Value = MimePart<'static>> {
    let leaf = "[a-z]{1,12}".prop_map(|text| MimePart::new("text/plain", text));
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop::collection::vec(inner, 1..5).prop_map(|parts| MimePart::new(ContentType::new("multipart/mixed"), parts))
    })
}

fn expected(part: &MimePart<'_>, out: &mut String) {
    use mail_builder::mime::BodyPart;
    match &part.contents {
        BodyPart::Text(text) => write!(out, "{text:?}").expect("a string takes everything"),
        BodyPart::Binary(_) => {}
        BodyPart::Multipart(parts) => {
            out.push('[');
            for part in parts {
                expected(part, out);
            }
            out.push(']');
        }
    }
}

proptest! {
    #[test]
    fn a_tree_that_a_library_wrote_is_read_back(tree in tree(), cut in prop::option::of(any::<prop::sample::Index>())) {
        let mut shape_written = String::new();
        expected(&tree, &mut shape_written);
        let mut raw = Vec::new();
        tree.write_part(&mut raw);
        let raw = String::from_utf8(raw).expect("text");
        let (found, flags) = shape(&raw);
        prop_assert_eq!(&found, &shape_written);
        prop_assert_eq!(flags, vec![]);
        if let Some(cut) = cut {
            shape(&raw[..cut.index(raw.len())]);
        }
    }

    #[test]
    fn any_lines_are_a_structure(lines in prop::collection::vec(prop::sample::select(vec![
        "Content-Type: multipart/mixed; boundary=b", "Content-Type: multipart/related; boundary=b1", "Content-Type: multipart/mixed",
        "Content-Transfer-Encoding: base64", "--b", "--b1", "--b--", "--b1--", "--b ", "LS1iCgpvbmUKLS1iLS0K", "", "text", "--other",
    ]), 0..60)) {
        shape(&lines.join("\n"));
    }
}
