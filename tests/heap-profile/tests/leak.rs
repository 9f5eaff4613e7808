//! Two heap profiles of a program under jemalloc, and what the difference says of its leak.

use std::process::{Command, Output};

/// Enough for many samples, of which one is taken every 32 KiB.
const LEAK: i64 = 16 << 20;

fn run(settings: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heap-profile"))
        .arg(LEAK.to_string())
        .env("_RJEM_MALLOC_CONF", settings)
        .output()
        .unwrap()
}

#[test]
fn the_leak_is_named_first_with_what_it_holds() {
    let output = run("prof:true,lg_prof_sample:15");
    let (told, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    let mut lines = told.lines();
    let total: i64 = lines.next().unwrap().parse().unwrap();
    let first: Vec<_> = lines.next().unwrap().split('\t').collect();
    let [flat, cumulative, name] = first[..] else { panic!("{first:?}") };
    assert_eq!(name, "heap_profile::the_known_leak", "{told}");
    assert_eq!(flat, cumulative);
    // 512 samples are a tenth off in one run of 40
    let within = LEAK - LEAK / 5..=LEAK + LEAK / 5;
    assert!(within.contains(&flat.parse().unwrap()), "{told}");
    // nor does anything else of weight grow: not what was held before, nor the profiler's own
    assert!(within.contains(&total), "{told}");
}

#[test]
fn without_profiling_it_says_what_is_missing() {
    let output = run("prof:false");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(errors.contains("`prof:true` among jemalloc's options"), "{errors}");
}
