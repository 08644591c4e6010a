//! Random conversations, delivered in every way in which a broker and crashes may deliver them: each message becomes part
//! of the ticket of which the reference says so, once, with its event and its explanation.
//!
//! `MODEL_SEED` tries another seed than the usual ones, and `MODEL_ROUNDS` more of them. A failure names its seed and its
//! way, and prints the shortest conversation that still fails, in the format of `tests/conversations`.

mod deliver;
pub mod generate;
pub mod outcome;
mod proxy;
mod reference;

use sqlx::PgPool;

use crate::desk::MIGRATIONS;
use crate::spec::script::Script;
use deliver::{Way, deliver};
pub use reference::expect;

const USUAL_SEED: u64 = 20_260_302;
/// How often a failing conversation is tried with less in it.
const TRIES: u64 = 60;

pub fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |value| value.parse().unwrap_or_else(|_| panic!("{name} must be a number: {value:?}")))
}

/// Plays random conversations in some way.
async fn as_the_reference_says(pool: PgPool, rounds: u64, bursts: usize, messages: usize, way: Way) {
    let (first, rounds) = (setting("MODEL_SEED", USUAL_SEED), setting("MODEL_ROUNDS", rounds));
    for seed in first..first + rounds {
        let script = generate::script(seed, bursts, messages, way.is_ordered());
        if let Err(difference) = holds(&pool, &script, way, seed).await {
            let (script, difference) = shortest(&pool, script, way, seed, difference).await;
            panic!("MODEL_SEED={seed} MODEL_ROUNDS=1, {way:?}\n\n{difference}\n\n{script}");
        }
    }
    let broken = outcome::broken(&pool).await;
    assert!(broken.is_empty(), "MODEL_SEED={first} MODEL_ROUNDS={rounds}, {way:?}: {broken:#?}");
    no_deadlocks(&pool).await;
}

async fn holds(pool: &PgPool, script: &Script, way: Way, seed: u64) -> Result<(), String> {
    let mut expected = expect(script, way.is_ordered());
    for mut came_out in deliver(pool, script, way, seed).await? {
        if !way.is_exact() {
            expected.again = 0;
            came_out.again = 0;
        }
        if came_out != expected {
            return Err(difference(&expected, &came_out));
        }
    }
    Ok(())
}

/// What differs, line by line.
pub fn difference(expected: &reference::Outcome, came_out: &reference::Outcome) -> String {
    let lines = |outcome: &reference::Outcome| {
        let of = |what: &str, map: &std::collections::BTreeMap<String, String>| -> Vec<String> {
            map.iter().map(|(name, fact)| format!("{what} {name} {fact}")).collect()
        };
        let mut lines = of("message", &outcome.messages);
        lines.extend(of("ticket", &outcome.tickets));
        lines.push(format!("{} events, {} came again", outcome.events, outcome.again));
        lines
    };
    let (expected, came_out) = (lines(expected), lines(came_out));
    let missing = expected.iter().filter(|line| !came_out.contains(line)).map(|line| format!("- {line}"));
    let instead = came_out.iter().filter(|line| !expected.contains(line)).map(|line| format!("+ {line}"));
    missing.chain(instead).collect::<Vec<_>>().join("\n")
}

/// The shortest conversation found that still fails, and how.
async fn shortest(pool: &PgPool, mut script: Script, way: Way, seed: u64, mut difference: String) -> (Script, String) {
    let (mut tries, most) = (0, setting("MODEL_TRIES", TRIES));
    let mut size = script.steps.len() / 2;
    while size > 0 {
        let mut from = 0;
        while from < script.steps.len() && tries < most {
            let mut less = script.clone();
            less.steps.drain(from..(from + size).min(script.steps.len()));
            tries += 1;
            // What refers to a ticket that is left out is no failure of the router's.
            let playable = std::panic::catch_unwind(|| expect(&less, true)).is_ok();
            let failure = if playable { holds(pool, &less, way, seed).await.err() } else { None };
            match failure {
                Some(failure) if failure.starts_with(['-', '+']) => (script, difference) = (less, failure),
                _ => from += size,
            }
        }
        size /= 2;
    }
    (script, difference)
}

async fn no_deadlocks(pool: &PgPool) {
    let deadlocks: i64 = sqlx::query_scalar("select deadlocks from pg_stat_database where datname = current_database()")
        .fetch_one(pool)
        .await
        .expect("a count");
    assert_eq!(deadlocks, 0, "two transactions waited for each other");
}

macro_rules! ways {
    ($($name:ident: $rounds:literal of $bursts:literal times $messages:literal, $way:expr;)+) => {
        $(
            #[sqlx::test(migrator = "MIGRATIONS")]
            async fn $name(pool: PgPool) {
                as_the_reference_says(pool, $rounds, $bursts, $messages, $way).await;
            }
        )+
    };
}

ways! {
    random_conversations_one_by_one: 2 of 4 times 8, Way::in_order(1);
    random_conversations_in_batches_of_three: 2 of 4 times 8, Way::in_order(3);
    random_conversations_in_batches_of_64: 2 of 4 times 30, Way::in_order(64);
    random_conversations_in_any_order: 2 of 4 times 10, Way { shuffled: true, ..Way::in_order(3) };
    random_conversations_that_come_twice: 2 of 4 times 10, Way { shuffled: true, redelivered: true, ..Way::in_order(3) };
    random_conversations_shared_by_two_routers: 2 of 4 times 20, Way { shuffled: true, redelivered: true, routers: 2, ..Way::in_order(4) };
    random_conversations_through_crashes: 2 of 4 times 8, Way { crashes: true, ..Way::in_order(3) };
    random_conversations_through_crashes_of_two_routers: 2 of 4 times 12, Way { shuffled: true, crashes: true, routers: 2, ..Way::in_order(4) };
}
