//! Writes what checkout's objectives generate: the rules of Prometheus, the dashboard of Grafana, the
//! documents of OpenSLO, and the runbooks.
//!
//! ```text
//! cargo run --example slo_rules --features full -- DIR
//! promtool check rules DIR/rules.yml
//! ```

use std::env;
use std::process::ExitCode;

use tower::BoxError;
use tower_observability::slo::Artefacts;

#[path = "checkout/objectives.rs"]
#[allow(unreachable_pub, reason = "nothing is reachable from outside a program")]
mod objectives;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let (Some(directory), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: cargo run --example slo_rules --features full -- DIR");
        return ExitCode::FAILURE;
    };
    let written = artefacts().and_then(|artefacts| Ok(artefacts.write_to(directory)?));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("slo_rules: {error}");
            ExitCode::FAILURE
        }
    }
}

fn artefacts() -> Result<Artefacts, BoxError> {
    let artefacts = Artefacts::builder("checkout")
        .objectives(objectives::objectives()?)
        .runbooks_url("https://runbooks.example/checkout")
        .build()?;
    Ok(artefacts)
}
