//! The run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::acts::{Place, Way};
use crate::callers::Web;
use crate::calls::Calls;
use crate::judge::judge;
use crate::script::Script;
use crate::servers::Servers;
use crate::sinks::{Collected, Sinks};

/// How many ask at once.
const WORKERS: usize = 2 * Way::ALL.len();

/// How long one exchange may take before the test fails rather than hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// Has this many exchanges, and answers all that was told of them.
pub(crate) async fn run(exchanges: usize, seed: u64) -> Collected {
    let script = Arc::new(Script::new(exchanges, WORKERS, seed));
    let sinks = Arc::new(Sinks::new(&script));
    for round in &script.rounds {
        let servers = Servers::start(&sinks, &script).await;
        let tasks = round.iter().cloned().map(|(way, numbers)| {
            let dumps = &servers.client_dumps[way.place as usize];
            let address = servers.address(way.place);
            let mut web = Web::new(way, &sinks, dumps, address, &script);
            let mut calls = Calls::new(way, &sinks, dumps, address, &script);
            async move {
                for number in numbers {
                    let asked = async {
                        match way.place {
                            Place::Tonic => calls.ask(number).await,
                            _ => web.ask(number).await,
                        }
                    };
                    let asked = tokio::time::timeout(PATIENCE, asked).await;
                    asked.unwrap_or_else(|_| panic!("exchange {number} over {way:?} hangs"));
                }
            }
        });
        tasks.collect::<FuturesUnordered<_>>().collect::<()>().await;
        let stopped = tokio::time::timeout(PATIENCE, async {
            servers.stop().await;
            while !sinks.are_quiet() {
                tokio::task::yield_now().await;
            }
        });
        stopped.await.expect("all connections and exchanges end");
    }
    let sinks = Arc::into_inner(sinks).expect("nobody else holds them");
    sinks.collect(script)
}

fn asked_for(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().expect("a number"))
}

/// So many of each.
fn counted<T: Ord + std::fmt::Display>(all: impl Iterator<Item = T>) -> String {
    let mut counts = BTreeMap::<T, usize>::new();
    all.for_each(|one| *counts.entry(one).or_default() += 1);
    let told = counts.iter().map(|(one, count)| format!("{one} {count}"));
    told.collect::<Vec<_>>().join(", ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_signals_of_every_exchange_agree() {
    let usual = if cfg!(debug_assertions) { 10_000 } else { 100_000 };
    let exchanges = asked_for("AGREEMENT").unwrap_or(usual) as usize;
    let seed = asked_for("AGREEMENT_SEED").unwrap_or(9);
    quiet_panics();
    let began = Instant::now();
    let collected = run(exchanges, seed).await;
    let ran = began.elapsed();
    let disagreements = judge(&collected);
    let records = &collected.records;
    println!("seed {seed}: {} exchanges in {ran:.1?}, judged in {:.1?}", records.len(), {
        began.elapsed() - ran
    });
    let acts = collected.script.intents.iter().map(|intent| intent.act.name());
    println!("by kind: {}", counted(acts));
    let ends = records.iter().map(|record| format!("{} {}", record.side.as_str(), record.outcome));
    println!("by outcome: {}", counted(ends));
    println!(
        "{} lines, {} spans, {} SLO verdicts, {} dumps, {} records, {} series",
        collected.lines.len(),
        collected.spans.len(),
        collected.verdicts.len(),
        collected.dumps.len(),
        records.len(),
        collected.gathered.len(),
    );
    println!("disagreements: {}", disagreements.len());
    let first = disagreements.iter().take(10).map(String::as_str).collect::<Vec<_>>();
    assert!(first.is_empty(), "{} disagreements:\n{}", disagreements.len(), first.join("\n"));
    assert!(records.len() >= exchanges, "{} exchanges are fewer than asked for", records.len());
}

/// Keeps what is panicked as ordered out of the output.
pub(crate) fn quiet_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload_as_str() != Some("as ordered") {
                told(panic);
            }
        }));
    });
}
