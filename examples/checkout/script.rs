//! The run of `--once`: drives real requests through the services and compares what was recorded,
//! logged and traced of each exchange with what is expected.

use std::collections::HashSet;

use serde_json::Value;

use crate::admin::Operators;
use crate::config::Addresses;
use crate::customer::{Answer, Customer, until};
use crate::layers::{Buffer, Place, Places};
use crate::measured::Before;
use crate::seen::{COLUMNS, Exchange, Reader, Row, rows};
use crate::services::{BoxError, Services};
use crate::spans::Spans;
use crate::steps::{CARDS, STEPS, Step};
use crate::telemetry::Telemetries;
use crate::{dumped, promised, red, table, traces, tree};

/// Answers what disagreed. `log` is where everything else is logged to, as lines of JSON, and
/// `spans` where spans go to.
pub async fn run(
    telemetry: &Telemetries,
    log: &Buffer,
    spans: &Spans,
) -> Result<Vec<String>, BoxError> {
    let places = Places::recording(telemetry);
    let services =
        Services::start(&Addresses::free(), &places, telemetry, Operators::with(dumped::TOKEN)?)
            .await?;
    let customer = Customer::new(services.addresses.gateway)?;
    customer.wait_for_services().await?;

    let mut reader = Reader::from_now_on(&places).await?;
    let before = Before::scrape(&services.addresses).await?;
    let (mut wrong, mut requests, mut ids) = (tree::check(), Vec::new(), HashSet::new());
    let mut trees = Vec::new();
    for (number, step) in STEPS.iter().enumerate() {
        let expected = rows(step.exchanges)?;
        let acted = customer.act(step.act, &places).await;
        let answer = acted.unwrap_or_else(|error| {
            wrong.push(format!("{}: {error}", step.name));
            Answer::default()
        });
        let exchanges = reader.exchanges(expected.len()).await;
        let id = exchanges.first().map_or("-", |exchange| &exchange.request_id).to_owned();

        let mut disagreements = compare(step, &expected, &answer, &exchanges);
        if !ids.insert(id.clone()) {
            disagreements.push(format!("request ID: expected a new one, got {id} again"));
        }
        until(|| messages(log, &id).len() >= step.log.len()).await;
        let messages = messages(log, &id);
        if messages != step.log {
            let expected = step.log;
            disagreements.push(format!("log of {id}: expected {expected:?}, got {messages:?}"));
        }
        let (tree, disagree) = traces::check(spans, step, &exchanges).await;
        disagreements.extend(disagree);
        let is_shown = step.slowest.is_some() || step.at_once.is_some();
        trees.extend(tree.filter(|_| is_shown).map(|tree| (step.name, tree)));
        wrong.extend(disagreements.into_iter().map(|what| format!("{}: {what}", step.name)));
        requests.push((title(number + 1, step, &answer, &id, &messages), exchanges));
    }
    let exchanges: Vec<_> = requests.iter().flat_map(|(_, exchanges)| exchanges).collect();
    let measured = before.until_they_agree(&exchanges, spans).await?;
    wrong.extend(measured.wrong);
    table::print(&requests);
    for (name, tree) in &trees {
        println!("\nthe trace of {name}\n");
        tree.print();
    }
    red::print(["measured by", "method", "route"], &measured.series);
    red::print(["measured by", "operation", "of"], &measured.operations);
    red::print_process(&measured.after);
    wrong.extend(dumped::walk(&services.addresses, &places, &customer, &mut reader).await?);
    services.stop().await?;
    wrong.extend(promised::check(&telemetry.objectives, &requests)?);
    let logged = places.each().into_iter().flat_map(Place::lines).chain(log.lines());
    wrong.extend(logged.filter(|line| line.contains(CARDS)).map(|_| "a card is in a log".into()));
    if let more @ 1.. = reader.rest().len() {
        wrong.push(format!("after the script: expected no further exchanges, got {more}"));
    }
    Ok(wrong)
}

fn compare(step: &Step, expected: &[Row], answer: &Answer, got: &[Exchange]) -> Vec<String> {
    let mut wrong = Vec::new();
    let status = status(answer);
    if status != step.answer {
        wrong.push(format!("answer: expected {}, got {status}", step.answer));
    }
    let ids = got.iter().map(|exchange| &exchange.request_id).chain(&answer.request_id);
    let different: HashSet<_> = ids.collect();
    if different.len() != 1 {
        wrong.push(format!("request ID: expected one everywhere, got {different:?}"));
    }
    if expected.len() == got.len() {
        for (expected, Exchange { row, .. }) in expected.iter().zip(got) {
            wrong.extend(different_cells(expected, row));
        }
    } else {
        wrong.push(format!("expected {} exchanges, got {}", expected.len(), got.len()));
        let got: Vec<_> = got.iter().map(|exchange| &exchange.row).collect();
        let missing = expected.iter().filter(|row| !got.contains(row));
        wrong.extend(missing.map(|row| format!("missing: {}", row.join(" "))));
        let unexpected = got.iter().filter(|row| !expected.contains(row));
        wrong.extend(unexpected.map(|row| format!("not expected: {}", row.join(" "))));
    }
    wrong.extend(got.iter().flat_map(|exchange| exchange.contradictions.clone()));
    if let Some(problem) = &answer.problem {
        let id = got.first().map(|exchange| exchange.request_id.as_str());
        if problem["request_id"].as_str() != id {
            wrong.push(format!("problem: expected the request ID {id:?}, got {problem}"));
        }
    }
    wrong
}

fn different_cells(expected: &Row, got: &Row) -> impl Iterator<Item = String> {
    let [place, method, route, ..] = expected;
    COLUMNS.iter().zip(expected.iter().zip(got)).filter(|(_, (expected, got))| expected != got).map(
        move |(column, (expected, got))| {
            format!("{place} {method} {route}: {column}: expected {expected}, got {got}")
        },
    )
}

fn title(number: usize, step: &Step, answer: &Answer, id: &str, messages: &[String]) -> String {
    let (name, act) = (step.name, step.act);
    let answered = match status(answer).as_str() {
        "-" => "nothing".to_owned(),
        status => status.to_owned(),
    };
    let logged = match messages {
        [] => String::new(),
        some => format!(", also logged: {}", some.join("; ")),
    };
    let problem = answer.problem.as_ref().map(|it| format!("\n  {it}")).unwrap_or_default();
    format!("{number}. {name}\n  {act}; answered {answered}{problem}\n  request ID {id}{logged}")
}

fn status(answer: &Answer) -> String {
    answer.status.map_or("-".to_owned(), |status| status.as_u16().to_string())
}

/// What was logged under a request ID, beside the access log.
fn messages(log: &Buffer, id: &str) -> Vec<String> {
    let lines = log.lines();
    let events = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events
        .filter(|event| event["request_id"] == id)
        .filter_map(|event| event["fields"]["message"].as_str().map(str::to_owned))
        .collect()
}
