//! The rules and the scenarios, given to the real promtool.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::scenarios;
use crate::variants;

/// A directory with the rules of each variant.
fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("slo_rules").join(name);
    let _ = fs::remove_dir_all(&directory);
    for variant in variants::ALL {
        variant.artefacts().write_to(directory.join(variant.name())).unwrap();
    }
    directory
}

fn promtool(arguments: impl FnOnce(&mut Command) -> &mut Command) {
    let mut command = Command::new("promtool");
    let output =
        arguments(&mut command).output().expect("promtool, of Debian's package prometheus");
    let told = [output.stdout, output.stderr].map(|told| String::from_utf8(told).unwrap());
    assert!(output.status.success(), "{}", told.concat());
}

#[test]
fn no_scenario_passes_whatever_the_rules_are() {
    let scenarios = scenarios::all();
    for scenario in &scenarios {
        assert!(scenario.can_fail(), "{}", scenario.name);
    }
    let files: BTreeSet<_> = scenarios.iter().map(scenarios::Scenario::file_name).collect();
    assert_eq!(files.len(), scenarios.len(), "each name once");
    assert!(files.len() >= 16);
}

#[test]
#[ignore = "needs promtool; .ci/slo runs it"]
fn promtool_has_nothing_to_complain_of() {
    let directory = directory("check");
    for variant in variants::ALL {
        let rules = directory.join(variant.name()).join("rules.yml");
        promtool(|command| {
            command.args(["check", "rules", "--lint=all", "--lint-fatal"]).arg(rules)
        });
    }
}

#[test]
#[ignore = "needs promtool; .ci/slo runs it"]
fn every_scenario_goes_as_it_should() {
    let directory = directory("scenarios");
    let files = scenarios::all().into_iter().map(|scenario| {
        let file = directory.join(scenario.file_name());
        fs::write(&file, scenario.document().to_string()).unwrap();
        file
    });
    let files: Vec<_> = files.collect();
    promtool(|command| command.args(["test", "rules"]).args(files));
}
