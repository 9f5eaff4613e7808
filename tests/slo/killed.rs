//! A process that is killed while it saves leaves a whole file: the old one or the new one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use tower_observability::slo::{Objective, SloTracker, Target};

const FILE: &str = "SLO_SNAPSHOT";

fn tracker() -> SloTracker {
    let objective = |number: usize| {
        let target = Target::percent("99.9").unwrap();
        Objective::availability(format!("objective-{number}"), target).build().unwrap()
    };
    SloTracker::builder().objectives((0..20).map(objective)).build().unwrap()
}

/// What is killed: it saves, and says so, as long as it lives.
#[test]
#[ignore = "the other test starts it"]
fn saves_for_ever() {
    let Some(file) = env::var_os(FILE) else { return };
    let tracker = tracker();
    loop {
        tracker.save(Path::new(&file)).unwrap();
        println!("saved");
    }
}

#[test]
fn the_file_is_whole_whenever_the_process_is_killed() {
    let folder = env::temp_dir().join(format!("slo-killed-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("slo.snapshot");
    let mut left_beside = 0;
    for turn in 0..100_u32 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "killed::saves_for_ever"])
            .env(FILE, &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // killed in the middle of another save each time, wherever that is
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let saved = said.map_while(Result::ok).filter(|line| line == "saved");
        assert_eq!(saved.take(1 + turn as usize % 5).count(), 1 + turn as usize % 5);
        (0..turn * 2_000).for_each(|_| std::hint::spin_loop());
        child.kill().unwrap();
        child.wait().unwrap();
        let restored = tracker().restore(&file).unwrap().unwrap();
        assert_eq!(restored.objectives.len(), 20, "in turn {turn}");
        left_beside += fs::read_dir(&folder).unwrap().count() - 1;
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path != file {
                fs::remove_file(path).unwrap();
            }
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(left_beside > 0, "none of 100 was killed while it saved");
}
