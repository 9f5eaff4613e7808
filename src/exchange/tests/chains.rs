//! A task that starts its successor for ever keeps no endless chain of ancestors.

use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};

use crate::classify::Side::Client;
use crate::exchange::{Facts, ObserveLayer, in_exchange};
use crate::testing::ScriptBody;

type Step = Box<dyn FnOnce() + Send>;

#[derive(Clone, Default)]
struct Chain {
    next: Arc<Mutex<Option<Step>>>,
    ancestors: Arc<Mutex<Vec<usize>>>,
}

impl Chain {
    /// Makes a call, inside which the next one is scheduled.
    fn step(&self) {
        let inner = service_fn(|_: Request<()>| {
            let facts = Facts::current().unwrap();
            let parents = std::iter::successors(facts.parent(), |facts| facts.parent());
            self.ancestors.lock().unwrap().push(parents.count());
            let chain = self.clone();
            *self.next.lock().unwrap() = Some(Box::new(in_exchange(move || chain.step())));
            ready(Ok::<_, Infallible>(Response::new(ScriptBody::new().claims_end())))
        });
        let call = ObserveLayer::new(Client, ()).layer(inner).oneshot(Request::new(()));
        assert!(call.now_or_never().is_some());
    }
}

#[test]
fn a_chain_keeps_at_most_sixteen_ancestors() {
    let chain = Chain::default();
    chain.step();
    for _ in 1..1000 {
        let next = chain.next.lock().unwrap().take().unwrap();
        next();
    }
    chain.next.lock().unwrap().take();
    let ancestors = chain.ancestors.lock().unwrap();
    assert_eq!(ancestors.len(), 1000);
    assert_eq!(ancestors[..18], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1]);
    assert_eq!(ancestors.iter().max(), Some(&16));
}
