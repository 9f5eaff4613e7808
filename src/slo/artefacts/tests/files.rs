//! Files, and what is in the runbooks.

use std::collections::BTreeSet;
use std::process::{self, Command};
use std::{env, fs};

use super::*;

#[test]
fn files_are_written_whole_over_what_was_there() {
    let directory = env::temp_dir().join(format!("slo-artefacts-{}", process::id()));
    let artefacts = two();
    for _ in 0..2 {
        artefacts.write_to(&directory).unwrap();
        fs::write(directory.join("rules.yml"), "old").unwrap();
    }
    artefacts.write_to(&directory).unwrap();
    for file in artefacts.files() {
        assert_eq!(fs::read_to_string(directory.join(&file.path)).unwrap(), file.text);
    }
    let count = |directory| fs::read_dir(directory).unwrap().count();
    let left = (count(directory.clone()), count(directory.join("runbooks")));
    assert_eq!(left, (4, 4), "and nothing beside");

    // a directory is in the way
    fs::remove_file(directory.join("rules.yml")).unwrap();
    fs::create_dir(directory.join("rules.yml")).unwrap();
    let error = artefacts.write_to(&directory).unwrap_err();
    assert_eq!(error.path(), directory.join("rules.yml"));
    assert!(error.to_string().contains("rules.yml: "), "{error}");
    assert_eq!(count(directory.clone()), 4, "what was begun is gone");
    fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn each_alert_has_a_page_with_three_looks() {
    let artefacts = two();
    let alerts: BTreeSet<_> = values(&artefacts.rules(), "alert").into_iter().collect();
    let pages = artefacts.runbooks();
    let named: BTreeSet<_> = alerts.iter().map(|alert| format!("runbooks/{alert}.md")).collect();
    assert_eq!(named, pages.iter().map(|page| page.path.clone()).collect());
    let commands = artefacts.runbook_commands();
    for page in &pages {
        let told: Vec<_> = page.text.split("```sh\n").skip(1).collect();
        let told: Vec<_> = told.iter().map(|rest| rest.lines().next().unwrap().trim()).collect();
        let of_page = commands.iter().filter(|command| page.path.contains(command.alert));
        let listed: Vec<_> = of_page.map(|command| command.command.as_str()).collect();
        assert_eq!(told, listed, "{}", page.path);
        assert_eq!(told.len() % 3, 0);
    }
    assert_eq!(commands.len(), 3 * (2 + 3));
}

#[test]
fn a_shell_reads_each_command() {
    for command in two().runbook_commands() {
        let read = Command::new("sh").args(["-n", "-c", &command.command]).status().unwrap();
        assert!(read.success(), "{}", command.command);
    }
}
