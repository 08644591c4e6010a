//! What `docs/mail.md` promises of the flags.

use std::collections::BTreeSet;

use switchboard_mail_reader::Flag;

#[test]
fn every_flag_and_no_other_is_documented_with_its_meaning() {
    let (_, flags) = include_str!("../../../docs/mail.md").split_once("## Flags\n").expect("a chapter on flags");
    let rows = flags.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    let documented: Vec<(&str, &str)> = rows.collect();
    let codes: BTreeSet<&str> = documented.iter().map(|(code, _)| *code).collect();
    let there: BTreeSet<&str> = Flag::ALL.iter().map(|flag| flag.code()).collect();
    let missing: Vec<_> = there.difference(&codes).collect();
    let too_much: Vec<_> = codes.difference(&there).collect();
    assert!(missing.is_empty() && too_much.is_empty(), "docs/mail.md: missing {missing:?}, too much {too_much:?}");
    assert_eq!(codes.len(), documented.len(), "a flag is documented twice");
    assert!(documented.iter().all(|(_, meaning)| meaning.ends_with('.')), "{documented:?}");
    assert_eq!(there.len(), Flag::ALL.len(), "two flags share a code");
}
