//! What the panic hook tells.

use std::convert::Infallible;
use std::panic::catch_unwind;

use tower::service_fn;

use super::*;
use crate::exchange::{CaughtPanic, End, Facts, ObserveLayer, Observer};
use std::sync::Mutex;

/// Keeps what the exchange was told of a panic.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Option<CaughtPanic>>>>);

impl Observer for Told {
    type Exchange = ();

    fn begin(&self, _: &mut http::request::Parts, _: &Arc<Facts>) {}

    fn end(&self, (): (), end: &End<'_>) {
        self.0.lock().unwrap().push(end.facts.caught_panic().cloned());
    }
}

fn told(
    handler: impl AsyncFn(Request<()>) -> Result<Response<ScriptBody>, Infallible> + Clone,
) -> CaughtPanic {
    let told = Told::default();
    let layer = ObserveLayer::new(Server, told.clone());
    let service = service_fn(|request| {
        let handler = handler.clone();
        Box::pin(async move { handler(request).await })
    });
    let mut service = layer.layer(CatchPanicLayer::server().layer(service));
    read(service.call(get()).now_or_never().unwrap().unwrap());
    let mut all = told.0.lock().unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0).unwrap()
}

fn assert_is_at(panic: &CaughtPanic, line: u32) {
    let location = panic.location.as_deref().unwrap();
    let column = location.strip_prefix(&format!("{}:{line}:", file!()));
    assert!(column.is_some_and(|column| column.parse::<u32>().is_ok()), "{location}, not {line}");
}

// one test, as there is one hook in a process; others run beside it
#[test]
fn a_hook_tells_where_the_panic_that_came_through_happened() {
    let line = line!() + 2;
    let panics = async |_: Request<()>| -> Result<Response<ScriptBody>, Infallible> {
        panic!("by {}", 7);
    };
    // without its own text, as it may be installed by now
    assert_eq!(told(panics).message.as_deref(), Some("by 7"));

    assert!(PanicHook::new().backtraces().install());
    assert!(!PanicHook::new().install(), "once is enough");
    let panic = told(panics);
    assert_eq!(panic.message.as_deref(), Some("by 7"));
    assert_is_at(&panic, line);
    let backtrace = panic.backtrace.unwrap().to_string();
    assert!(backtrace.contains("a_hook_tells_where_the_panic"), "{backtrace}");

    // others that the service caught itself, before and while that one unwinds, are not it
    struct CatchesInDrop;
    impl Drop for CatchesInDrop {
        fn drop(&mut self) {
            assert!(catch_unwind(|| panic!("in a drop")).is_err());
        }
    }
    let line = line!() + 4;
    let panic = told(async |_: Request<()>| -> Result<Response<ScriptBody>, Infallible> {
        assert!(catch_unwind(|| panic!("before")).is_err());
        let _catches = CatchesInDrop;
        panic!("the one");
    });
    assert_eq!(panic.message.as_deref(), Some("the one"));
    assert_is_at(&panic, line);

    // what was raised without the hook has no place
    let panic = told(async |_: Request<()>| -> Result<Response<ScriptBody>, Infallible> {
        std::panic::resume_unwind(Box::new("raised".to_owned()))
    });
    let mut expected = CaughtPanic::new();
    expected.message = Some("raised".into());
    assert_eq!(panic, expected);

    // nor does a panic outside leave anything behind
    assert!(catch_unwind(|| panic!("raised")).is_err());
    let panic = told(async |_: Request<()>| -> Result<Response<ScriptBody>, Infallible> {
        std::panic::resume_unwind(Box::new("raised".to_owned()))
    });
    assert_eq!(panic, expected);
}
