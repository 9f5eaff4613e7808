//! Who is told of trailers, and who is told nothing.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use http::{HeaderMap, Request, request, response};
use http_body_util::BodyExt;
use tower::{Layer, Service};

use crate::classify::Side::Server;
use crate::exchange::{End, Facts, ObserveLayer, Observer};
use crate::testing::{Script, ScriptBody};

type Log = Arc<Mutex<Vec<String>>>;

/// Writes down what it is told; may be idle, or panic over trailers.
struct Spy<const WANTS: bool> {
    name: &'static str,
    log: Log,
    is_idle: bool,
    panics: bool,
}

impl<const WANTS: bool> Spy<WANTS> {
    fn note(&self, what: &str) {
        let scope = if Facts::current().is_some() { "" } else { " out of scope" };
        self.log.lock().unwrap().push(format!("{} {what}{scope}", self.name));
    }
}

impl<const WANTS: bool> Observer for Spy<WANTS> {
    type Exchange = ();

    const WANTS_DATA: bool = true;
    const WANTS_TRAILERS: bool = WANTS;

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {
        self.note("begin");
    }

    fn is_idle(&self, (): &()) -> bool {
        self.is_idle
    }

    fn request_body<B: 'static>(&self, (): &mut (), body: B) -> B {
        self.note("request body");
        body
    }

    fn scope<R>(&self, (): &mut (), inner: impl FnOnce() -> R) -> R {
        assert!(!self.is_idle);
        inner()
    }

    fn response(&self, (): &mut (), _: &mut response::Parts, _: &Arc<Facts>) {
        self.note("response");
    }

    fn data(&self, (): &mut (), _: &[u8]) {
        self.note("data");
    }

    fn trailers(&self, (): &mut (), trailers: &HeaderMap) {
        self.note(&format!("{:?}", trailers["x-sum"]));
        assert!(!self.panics);
    }

    fn end(&self, (): (), _: &End<'_>) {
        self.note("end");
    }
}

fn answer() -> Script {
    Script::body(ScriptBody::new().data("abc").trailers(&[("x-sum", "7")]))
}

fn ask(layer: &ObserveLayer<impl Observer>) {
    let mut service = layer.layer(answer());
    let response = service.call(Request::new(())).now_or_never().unwrap().unwrap();
    let body = response.into_body().collect().now_or_never().unwrap().unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "7");
}

fn spy<const WANTS: bool>(name: &'static str, log: &Log) -> Spy<WANTS> {
    Spy { name, log: Arc::clone(log), is_idle: false, panics: false }
}

#[test]
fn who_wants_them_is_told_inner_to_outer() {
    let log = Log::default();
    let observers = (
        spy::<true>("a", &log),
        Some(spy::<true>("b", &log)),
        spy::<false>("deaf", &log),
        (Spy { panics: true, ..spy::<true>("c", &log) },),
        None::<Spy<true>>,
    );
    ask(&ObserveLayer::new(Server, observers));
    let lines = log.lock().unwrap().clone();
    let told: Vec<_> = lines.iter().filter(|line| line.contains('"')).collect();
    assert_eq!(told, ["c \"7\"", "b \"7\"", "a \"7\""]);
    assert_eq!(&lines[lines.len() - 4..], ["c end", "deaf end", "b end", "a end"]);
}

#[test]
fn who_is_idle_is_told_nothing_more() {
    let idle = |log: &Log| Spy { is_idle: true, ..spy::<true>("idle", log) };
    let log = Log::default();
    ask(&ObserveLayer::new(Server, idle(&log)));
    ask(&ObserveLayer::new(Server, Some(idle(&log))));
    ask(&ObserveLayer::new(Server, (idle(&log), None::<Spy<true>>)));
    assert_eq!(*log.lock().unwrap(), ["idle begin"; 3]);
    log.lock().unwrap().clear();
    ask(&ObserveLayer::new(Server, (idle(&log), spy::<true>("a", &log))));
    let all =
        ["idle begin", "a begin", "a request body", "a response", "a data", "a \"7\"", "a end"];
    assert_eq!(*log.lock().unwrap(), all);
}
