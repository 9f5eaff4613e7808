//! What a broken processor does not cost.

use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};

use futures_util::FutureExt;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanProcessor};

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Panics {
    AtStart,
    AtEnd,
}

impl SpanProcessor for Panics {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {
        assert_ne!(*self, Self::AtStart, "as it should");
    }

    fn on_end(&self, _: SpanData) {
        assert_ne!(*self, Self::AtEnd, "as it should");
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn the_panic_of_a_processor_stays_its_own() {
    for panics in [Panics::AtStart, Panics::AtEnd] {
        let Bench { operations, .. } = Bench::with(|provider| provider.with_span_processor(panics));
        let query = || operations.db("sqlite");
        assert_eq!(query().run(ready(Ok::<_, ()>(7))).now_or_never(), Some(Ok(7)));
        assert_eq!(query().call(|| Err::<(), _>(7)), Err(7));

        let mut dropped = Box::pin(query().run(pending::<Result<(), ()>>()));
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let unwound = catch_unwind(AssertUnwindSafe(move || {
            let _in_the_unwind = dropped;
            panic!("the caller's");
        }));
        assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"the caller's"));
    }
}
