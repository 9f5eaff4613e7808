//! What an observer says it wants is what it is called for.

use std::sync::{Arc, Mutex};

use http::request;
use tower::service_fn;

use super::*;
use crate::exchange::{End, Facts, Observer};
use crate::testing::{ScriptBody, ScriptError};

/// Writes down what it is told; wants to wrap request bodies, and to be told what was handed over, or
/// neither.
#[derive(Clone)]
struct Told<const WANTS: bool> {
    name: &'static str,
    log: Arc<Mutex<Vec<String>>>,
}

impl<const WANTS: bool> Told<WANTS> {
    fn new(name: &'static str, log: &Arc<Mutex<Vec<String>>>) -> Self {
        Self { name, log: Arc::clone(log) }
    }

    fn note(&self, what: &str) {
        self.log.lock().unwrap().push(format!("{} {what}", self.name));
    }
}

impl<const WANTS: bool> Observer for Told<WANTS> {
    type Exchange = ();

    const WANTS_REQUEST_BODY: bool = WANTS;
    const WANTS_HANDED: bool = WANTS;

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {}

    fn scope<R>(&self, (): &mut (), inner: impl FnOnce() -> R) -> R {
        self.note("[");
        let out = inner();
        self.note("]");
        out
    }

    fn request_body<B: 'static>(&self, (): &mut (), body: B) -> B {
        self.note("request body");
        body
    }

    fn handed(&self, (): &mut (), total: u64) {
        assert!(Facts::current().is_some());
        self.note(&format!("handed {total}"));
        assert_ne!(self.name, "faulty", "on purpose");
    }

    fn end(&self, (): (), _: &End<'_>) {
        self.note("end");
    }
}

/// What is written down of an exchange whose body comes in three frames, the second of which is empty.
async fn log_of<O: Observer>(observe: impl FnOnce(&Arc<Mutex<Vec<String>>>) -> O) -> Vec<String> {
    let log = Arc::default();
    let layer = ObserveLayer::new(Side::Server, observe(&log));
    let service = layer.layer(service_fn(async |_: Request<()>| {
        Ok::<_, ScriptError>(Response::new(ScriptBody::new().data("he").data("").data("llo")))
    }));
    let response = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
    let log = log.lock().unwrap();
    log.clone()
}

#[tokio::test]
async fn who_wants_it_is_told_what_was_handed_over_outside_of_all_scopes() {
    let alone = log_of(|log| Told::<true>::new("a", log)).await;
    let told = alone.iter().filter(|line| line.contains("handed")).collect::<Vec<_>>();
    assert_eq!(told, ["a handed 2", "a handed 5"]);
    let lines = alone.join(", ");
    // one scope for each of the other two frames, and one for the end of the body
    assert!(
        lines.ends_with("a handed 2, a [, a ], a [, a ], a handed 5, a [, a ], a end"),
        "{lines}"
    );

    let fused = log_of(|log| {
        let faulty = Told::<true>::new("faulty", log);
        (Told::<true>::new("a", log), (Told::<false>::new("b", log),), Some(faulty), None::<()>)
    })
    .await;
    let told = fused.iter().filter(|line| line.contains("handed")).collect::<Vec<_>>();
    let each = ["faulty handed 2", "a handed 2", "faulty handed 5", "a handed 5"];
    assert_eq!(told, each, "inner to outer");
    assert!(fused.ends_with(&["a end".into()]));
}

#[tokio::test]
async fn no_scope_is_entered_for_a_request_body_that_nobody_wants() {
    let count = |log: &[String], what: &str| log.iter().filter(|line| *line == what).count();
    let unwanted =
        log_of(|log| (Told::<false>::new("a", log), Some(Told::<false>::new("b", log)))).await;
    let wanted =
        log_of(|log| (Told::<false>::new("a", log), Some(Told::<true>::new("b", log)))).await;
    assert_eq!([count(&unwanted, "b request body"), count(&wanted, "b request body")], [0, 1]);
    assert_eq!(count(&wanted, "a request body"), 0);
    assert_eq!(count(&unwanted, "a [") + 1, count(&wanted, "a ["));
}
