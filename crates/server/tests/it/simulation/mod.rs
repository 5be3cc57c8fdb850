//! The refresh guarantee over replicas, by simulation: three replicas run the server's own grant machine against a
//! simulated database and provider, with crashes before and after every effect, messages that are late or lost,
//! outages, processes that stand still, and clocks that jump.
//!
//! One seed is one world. A failure prints its seed; `KEYBEARER_SIMULATION_SEED=<seed>` runs that one alone, and
//! `KEYBEARER_SIMULATION_SEEDS=<number>` runs more than usual. That the checks can fail is shown by breaking the
//! machine in known ways ([`Fault`]).

mod dice;
mod history;
mod provider;
mod replica;
mod store;
mod world;

use provider::{HABITS, Habit};
use world::World;

const SEEDS: u64 = 4000;
/// A broken machine must be noticed within so many.
const SEEDS_TO_NOTICE: u64 = 2000;

/// A way to break the machine or its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A refusal is believed without reading the row again.
    BelievesRefusalUnread,
    /// Tokens are stored whoever has the claim.
    CommitsWithoutClaim,
    /// An unknown outcome is followed by a send at once.
    ResendsAtOnce,
    /// A sender goes on when its claim cannot be relied on.
    NeverCutsOff,
    /// A claim that ran out during an outage is taken over at once.
    TakesOverAfterOutage,
    /// The retry does not wait for an answer to the question.
    RetriesUnasked,
    /// A token that may be used up is sent like one that cannot.
    TakesAllForReusable,
    /// Who holds new tokens believes that the grant is dead.
    DropsHeldTokens,
}

/// What kind of world a seed makes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) habit: Habit,
    /// How often in a thousand a replica dies at one crash point.
    pub(super) crashes: u64,
    pub(super) clocks_jump: bool,
    /// Nothing is wrong but that the token endpoint is away for a while.
    pub(super) only_the_provider: bool,
    pub(super) fault: Option<Fault>,
}

fn setting(seed: u64, fault: Option<Fault>) -> Setting {
    Setting {
        habit: HABITS[usize::try_from(seed % 6).unwrap()],
        crashes: [0, 5, 40][usize::try_from(seed / 6 % 3).unwrap()],
        clocks_jump: seed / 18 % 2 == 1,
        only_the_provider: false,
        fault,
    }
}

fn run(seed: u64, fault: Option<Fault>) -> Vec<String> {
    World::new(seed, setting(seed, fault)).run()
}

#[expect(clippy::disallowed_methods, reason = "a test's own switch, not a setting of the server")]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn no_grant_is_lost_and_no_token_sent_twice_but_after_an_unknown_outcome() {
    let seeds = match number("KEYBEARER_SIMULATION_SEED") {
        Some(one) => one..one + 1,
        None => 0..number("KEYBEARER_SIMULATION_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let wrong = run(seed, None);
        assert!(wrong.is_empty(), "KEYBEARER_SIMULATION_SEED={seed}\n{}", wrong.join("\n"));
    }
}

/// In how many of a thousand worlds nobody renews a grant that the provider honours, before the operator comes.
fn unresolved(only_the_provider: bool, fault: Option<Fault>) -> usize {
    let waits = |seed: &u64| {
        let mut world = World::new(*seed, Setting { only_the_provider, ..setting(*seed, fault) });
        let wrong = world.run();
        assert!(fault.is_some() || wrong.is_empty(), "{seed}: {}", wrong.join("\n"));
        world.unresolved
    };
    (0..1000).filter(waits).count()
}

#[test]
fn no_outage_of_the_token_endpoint_alone_leaves_a_grant_behind() {
    let unasked = Some(Fault::RetriesUnasked);
    let outages = (unresolved(true, None), unresolved(true, unasked));
    let everything = (unresolved(false, None), unresolved(false, unasked));
    println!("of 1000 grants that the provider honoured, so many waited for the operator");
    println!("after an outage of the token endpoint: {}; without the question {}", outages.0, outages.1);
    println!("after everything at once: {}; without the question {}", everything.0, everything.1);
    assert!(outages.0 == 0 && outages.1 > 0);
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in 0..50 {
        assert_eq!(run(seed, Some(Fault::NeverCutsOff)), run(seed, Some(Fault::NeverCutsOff)));
    }
}

#[test]
fn each_way_to_break_the_machine_is_noticed() {
    for (fault, complaint) in [
        (Fault::BelievesRefusalUnread, "declared dead"),
        (Fault::CommitsWithoutClaim, "stored after"),
        (Fault::ResendsAtOnce, "a third send"),
        (Fault::NeverCutsOff, "two senders"),
        (Fault::TakesOverAfterOutage, "all could see"),
        (Fault::RetriesUnasked, "without a question"),
        (Fault::TakesAllForReusable, "a third send"),
        (Fault::DropsHeldTokens, "declared dead"),
    ] {
        let noticed = (0..SEEDS_TO_NOTICE)
            .filter(|seed| run(*seed, Some(fault)).iter().any(|wrong| wrong.contains(complaint)))
            .count();
        println!("{fault:?}: noticed in {noticed} of {SEEDS_TO_NOTICE} worlds");
        assert!(noticed > 0, "{fault:?} was not noticed");
    }
}
