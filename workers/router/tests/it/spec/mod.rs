//! The conversations of `tests/conversations`, which are the specification of what becomes of a message.
//!
//! Each file is a test of its own, each of its conversations is played at two tenants at once, and what does not come
//! out as it says is shown with its file and line beside what came out. To write a new one, say what happens and put
//! `?` below it: the failure shows everything that there is to expect.

mod desks;
pub mod play;
mod read;
pub mod script;
mod seen;

use sqlx::PgPool;

use crate::desk::MIGRATIONS;
use play::World;
use script::{Script, Step};

/// Plays all conversations of a file.
async fn file_holds(pool: &PgPool, file: &str, text: &str) {
    let scripts = read::read(text).unwrap_or_else(|error| panic!("{file}.txt: {error}"));
    assert!(!scripts.is_empty(), "{file}.txt: no conversation");
    let mut failures = Vec::new();
    for script in &scripts {
        if let Err(failure) = holds(pool, file, script).await {
            failures.push(failure);
        }
    }
    assert!(failures.is_empty(), "{} of {} conversations\n\n{}", failures.len(), scripts.len(), failures.join("\n\n"));
}

async fn holds(pool: &PgPool, file: &str, script: &Script) -> Result<(), String> {
    let named = |line: usize, what: &str| format!("{file}.txt:{line}: {}\n{what}", script.title);
    let mut world = World::new(pool, script).await.map_err(|error| named(script.line, &error))?;
    let mut result = Ok(());
    for step in &script.steps {
        result = match world.play(step).await {
            Ok(()) => compare(&mut world, step).await,
            Err(error) => Err((step.line, format!("{step}\n    failed: {error}"))),
        };
        if result.is_err() {
            break;
        }
    }
    world.end().await;
    result.map_err(|(line, what)| named(line, &what))
}

/// Lays what came out beside what was expected, at both tenants.
async fn compare(world: &mut World, step: &Step) -> Result<(), (usize, String)> {
    for twin in 0..world.twins.len() {
        let seen = world.seen(twin, &step.doing).await;
        let mut wrong = None;
        let mut shown = Vec::new();
        for (line, expected) in &step.expected {
            let held = seen.iter().any(|fact| matches(fact, expected));
            let instead = if held { None } else { world.state_of(twin, expected).await.filter(|fact| fact != expected) };
            let is_state = !held && instead.is_none() && world.state_of(twin, expected).await.is_some();
            let right = held || is_state;
            shown.push(format!(
                "  {} {expected}{}",
                if right { " " } else { "-" },
                instead.map(|fact| format!("   [{fact}]")).unwrap_or_default()
            ));
            wrong = wrong.or((!right).then_some(*line));
        }
        for fact in
            seen.iter().filter(|fact| must_be_expected(fact, &seen[0]) && !step.expected.iter().any(|(_, line)| matches(fact, line)))
        {
            shown.push(format!("  + {fact}   [not expected]"));
            wrong = wrong.or(Some(step.line));
        }
        if let Some(line) = wrong {
            let seen = seen.join("\n      ");
            let tenant = ["", "\n  at the other tenant:"][twin];
            return Err((line, format!("  {}{tenant}\n  expected:\n{}\n  came out:\n      {seen}", step.doing, shown.join("\n"))));
        }
    }
    Ok(())
}

/// What a conversation has to say when it is so.
fn must_be_expected(fact: &str, headline: &str) -> bool {
    let links = ["linked to ", "follows up ", "related to ", "names "].iter().any(|start| fact.starts_with(start));
    links && headline.starts_with("opens ") || fact.starts_with("notice: ") || fact == headline
}

/// An expectation is met by the same words; `…` stands for any.
fn matches(fact: &str, expected: &str) -> bool {
    let Some((start, rest)) = expected.split_once('…') else { return fact == expected };
    let Some(mut left) = fact.strip_prefix(start) else { return false };
    let parts: Vec<&str> = rest.split('…').collect();
    for (index, part) in parts.iter().enumerate() {
        if index + 1 == parts.len() {
            return left.ends_with(part);
        }
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    true
}

macro_rules! conversations {
    ($($name:ident),+ $(,)?) => {
        $(
            #[sqlx::test(migrator = "MIGRATIONS")]
            async fn $name(pool: PgPool) {
                file_holds(&pool, stringify!($name), include_str!(concat!("../../conversations/", stringify!($name), ".txt"))).await;
            }
        )+

        /// The files that are played.
        const PLAYED: &[&str] = &[$(stringify!($name)),+];
    };
}

conversations! {
    agents,
    assignment,
    blocked,
    channels,
    chats,
    clients,
    closed,
    mailboxes,
    numbers,
    robots,
    rules,
    strangers,
    subjects,
    threads,
    trust,
}

#[test]
fn every_file_is_played() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conversations");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".txt").map(str::to_owned))
        .filter(|name| name != "desks")
        .collect();
    files.sort_unstable();
    assert_eq!(files, PLAYED);
}

#[test]
fn an_expectation_may_leave_words_out() {
    assert!(matches("why: Joined #1: by x.", "why: Joined #1: by x."));
    assert!(matches("why: Joined #1: by x.", "why: …: by x."));
    assert!(matches("why: Joined #1: by x.", "why: … #1: … x."));
    assert!(!matches("why: Joined #1: by x.", "why: … #2: … x."));
    assert!(!matches("why: Joined #1: by x.", "why: Joined #1: by"));
}
