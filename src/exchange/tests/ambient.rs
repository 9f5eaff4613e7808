//! What is found in scope: by the handler, its clients, its tasks, its body, and nobody else.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};

use crate::attribute::Value;
use crate::classify::Side::{Client, Server};
use crate::exchange::{Facts, InExchangeExt, annotate};
use crate::testing::{Record, Recorder, Script, ScriptBody};

fn get() -> Request<()> {
    Request::new(())
}

fn numbers(record: &Record) -> Vec<(String, Value)> {
    record.attributes.iter().map(|(key, value)| (key.into(), value.clone())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_concurrent_exchanges_never_see_each_other() {
    const TASKS: u32 = 1_000;
    let (servers, clients) = (Recorder::new(), Recorder::new());
    let number = |request: &Request<()>| request.uri().path()[1..].parse::<u32>().unwrap();
    let transport = service_fn(move |request: Request<()>| async move {
        let number = number(&request);
        tokio::task::yield_now().await;
        assert!(annotate("call", number));
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let client = clients.layer(Client).layer(transport);
    let handler = service_fn(move |request: Request<()>| {
        let (number, client) = (number(&request), client.clone());
        assert!(annotate("in call", number));
        let spawned = async move {
            tokio::task::yield_now().await;
            assert!(annotate("spawned", number));
        };
        let spawned = tokio::spawn(spawned.in_exchange());
        async move {
            spawned.await.unwrap();
            let onwards = Request::builder().uri(format!("/{number}")).body(()).unwrap();
            client.oneshot(onwards).await?;
            assert!(annotate("in poll", number));
            Ok::<_, Infallible>(Response::new(String::from("done")))
        }
    });
    let service = servers.layer(Server).layer(handler);
    let start = Arc::new(tokio::sync::Barrier::new(TASKS as usize));
    let tasks = (0..TASKS).map(|number| {
        let (service, start) = (service.clone(), start.clone());
        tokio::spawn(async move {
            start.wait().await;
            let request = Request::builder().uri(format!("/{number}")).body(()).unwrap();
            service.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }

    let mut seen = [Vec::new(), Vec::new()];
    let keys: [&[&str]; 2] = [&["in call", "spawned", "in poll"], &["call"]];
    for (which, recorder) in [&servers, &clients].into_iter().enumerate() {
        for record in recorder.records() {
            let Some(Value::Int(number)) = record.attributes.get(keys[which][0]) else {
                panic!("nothing was annotated: {record:?}")
            };
            let expected = keys[which].iter().map(|key| (key.to_string(), Value::Int(*number)));
            assert_eq!(numbers(&record), expected.collect::<Vec<_>>());
            assert_eq!(record.nested, which == 1);
            seen[which].push(*number);
        }
        seen[which].sort_unstable();
        assert_eq!(seen[which], (0..i64::from(TASKS)).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_spawned_task_finds_its_exchange_only_if_it_is_carried_in() {
    let recorder = Recorder::new();
    let handler = service_fn(|_: Request<()>| async {
        let carried = tokio::spawn(async { annotate("carried", true) }.in_exchange());
        let not = tokio::spawn(async { annotate("not carried", true) });
        assert!(carried.await.unwrap());
        assert!(!not.await.unwrap());
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    recorder.layer(Server).layer(handler).oneshot(get()).await.unwrap();
    assert_eq!(numbers(&recorder.only()), [("carried".into(), Value::Bool(true))]);
}

#[tokio::test]
async fn annotating_after_the_end_or_outside_answers_false() {
    let recorder = Recorder::new();
    let (ended, wait) = tokio::sync::oneshot::channel::<()>();
    let task = Arc::new(Mutex::new(None));
    let (slot, mut wait) = (task.clone(), Some(wait));
    let handler = service_fn(move |_: Request<()>| {
        let wait = wait.take().unwrap();
        let late = async move {
            wait.await.unwrap();
            (annotate("late", true), Facts::current().is_some())
        };
        *slot.lock().unwrap() = Some(tokio::spawn(late.in_exchange()));
        async { Ok::<_, Infallible>(Response::new(String::new())) }
    });
    recorder.layer(Server).layer(handler).oneshot(get()).await.unwrap();
    assert_eq!(numbers(&recorder.only()), []);
    ended.send(()).unwrap();
    let late = task.lock().unwrap().take().unwrap();
    assert_eq!(late.await.unwrap(), (false, true), "still in scope, and over");
    assert!(!annotate("outside", true));
    assert!(Facts::current().is_none());
    assert!(!async { annotate("outside", true) }.in_exchange().await);
}

/// Annotates when it is dropped.
struct Drops;

impl Drop for Drops {
    fn drop(&mut self) {
        annotate("dropped", true);
    }
}

#[tokio::test]
async fn a_carried_future_is_dropped_in_scope() {
    for polled in [false, true] {
        let recorder = Recorder::new();
        let handler = service_fn(move |_: Request<()>| async move {
            let held = Drops;
            let carried = async move {
                let _held = held;
                std::future::pending::<()>().await;
            };
            let mut carried = Box::pin(carried.in_exchange());
            if polled {
                assert!(super::poll_once(&mut carried).await.is_pending());
            }
            tokio::task::spawn_blocking(|| drop(carried)).await.unwrap();
            Ok::<_, Infallible>(Response::new(String::new()))
        });
        recorder.layer(Server).layer(handler).oneshot(get()).await.unwrap();
        assert_eq!(numbers(&recorder.only()), [("dropped".into(), Value::Bool(true))]);
    }
}

#[tokio::test]
async fn the_body_finds_the_exchange_of_its_head() {
    let recorder = Recorder::new();
    let body = ScriptBody::new().data("x").annotates_on_drop("body");
    let service = recorder.layer(Server).layer(Script::body(body));
    let body = service.oneshot(get()).await.unwrap().into_body();
    assert!(Facts::current().is_none(), "nothing is in scope between the polls");
    body.collect().await.unwrap();
    assert_eq!(numbers(&recorder.only()), [("body".into(), Value::Bool(true))]);
}
