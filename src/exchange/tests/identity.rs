//! Which wrappers share an exchange, and which exchanges are each other's parents.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, join_all};
use http::{Request, Response, request};
use http_body_util::BodyExt;
use tower::retry::{Policy, RetryLayer};
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::classify::Side::{self, Client, Server};
use crate::exchange::{End, Facts, ObserveLayer, Observer};

type Answer = Result<Response<String>, Infallible>;
/// A wrapped service, with a body that everybody understands.
type Wrapped = BoxCloneSyncService<Request<()>, Response<String>, Infallible>;

/// Keeps the facts of every exchange, in the order in which they began.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<Arc<Facts>>>>);

impl Keeper {
    fn layer(&self, side: Side) -> ObserveLayer<Self> {
        ObserveLayer::new(side, self.clone())
    }

    /// Wraps `handler`; its answers are read to their end inside.
    fn wrap<H, F>(&self, side: Side, handler: H) -> Wrapped
    where
        H: FnMut(Request<()>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let service = self.layer(side).layer(service_fn(handler));
        Wrapped::new(service.then(|answer: Result<Response<_>, Infallible>| async {
            let (head, body) = answer?.into_parts();
            let text = body.collect().await?.to_bytes();
            Ok(Response::from_parts(head, String::from_utf8_lossy(&text).into_owned()))
        }))
    }

    fn facts(&self) -> Vec<Arc<Facts>> {
        self.0.lock().unwrap().clone()
    }

    #[track_caller]
    fn only(&self) -> Arc<Facts> {
        let facts = self.facts();
        assert_eq!(facts.len(), 1);
        facts[0].clone()
    }
}

impl Observer for Keeper {
    type Exchange = ();

    fn begin(&self, _: &mut request::Parts, facts: &Arc<Facts>) {
        self.0.lock().unwrap().push(Arc::clone(facts));
    }

    fn end(&self, (): (), _: &End<'_>) {}
}

async fn hello(_: Request<()>) -> Answer {
    Ok(Response::new("hello".into()))
}

fn get() -> Request<()> {
    Request::new(())
}

fn is_parent(parent: &Arc<Facts>, child: &Arc<Facts>) -> bool {
    child.parent().is_some_and(|found| Arc::ptr_eq(found, parent))
}

#[tokio::test]
async fn outer_and_inner_wrappers_and_a_buffer_between_share_one() {
    let [outer, middle, inner] = [(); 3].map(|()| Keeper::default());
    let service = ServiceBuilder::new()
        .layer(outer.layer(Server))
        .layer(middle.layer(Server))
        .buffer(4)
        .layer(inner.layer(Server))
        .service(service_fn(hello));
    let _answer = service.oneshot(get()).await.unwrap();
    let facts = outer.only();
    assert!(Arc::ptr_eq(&facts, &middle.only()));
    assert!(Arc::ptr_eq(&facts, &inner.only()));
    assert!(facts.parent().is_none());
}

#[tokio::test]
async fn a_client_called_by_a_handler_has_an_exchange_of_its_own() {
    let client = Keeper::default();
    let call = client.wrap(Client, hello);
    let handler = move |_| {
        let call = call.clone();
        async move {
            call.clone().oneshot(get()).await?;
            call.oneshot(get()).await
        }
    };
    let server = Keeper::default();
    server.wrap(Server, handler).oneshot(get()).await.unwrap();
    let parent = server.only();
    let calls = client.facts();
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|call| is_parent(&parent, call) && call.side() == Client));
    assert!(!Arc::ptr_eq(&calls[0], &calls[1]));
}

/// A service whose `call` does its work at once.
#[derive(Clone)]
struct Eager(Wrapped);

impl Service<Request<()>> for Eager {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Answer>;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        Box::pin(self.0.call(get()))
    }
}

#[tokio::test]
async fn a_client_called_from_call_itself_too() {
    let (server, client) = (Keeper::default(), Keeper::default());
    let eager = Eager(client.wrap(Client, hello));
    server.layer(Server).layer(eager).oneshot(get()).await.unwrap();
    assert!(is_parent(&server.only(), &client.only()));
}

#[tokio::test]
async fn a_service_in_the_same_process_too() {
    let (outer, inner) = (Keeper::default(), Keeper::default());
    let service = inner.wrap(Server, hello);
    let handler = move |_| service.clone().oneshot(get());
    outer.wrap(Server, handler).oneshot(get()).await.unwrap();
    assert!(is_parent(&outer.only(), &inner.only()));
}

#[tokio::test]
async fn a_proxy_that_forwards_the_request_with_its_extensions() {
    let [gateway, hop, backend] = [(); 3].map(|()| Keeper::default());
    let service = backend.wrap(Server, hello);
    let transport = hop.wrap(Client, move |request| service.clone().oneshot(request));
    let proxy = gateway.wrap(Server, move |request| transport.clone().oneshot(request));
    proxy.oneshot(get()).await.unwrap();
    assert!(gateway.only().parent().is_none());
    assert!(is_parent(&gateway.only(), &hop.only()));
    assert!(is_parent(&hop.only(), &backend.only()));
}

#[tokio::test]
async fn two_servers_in_one_process_do_not_see_each_other() {
    let (one, other) = (Keeper::default(), Keeper::default());
    let (first, second) = (one.wrap(Server, hello), other.wrap(Server, hello));
    let both = join_all([first.oneshot(get()), second.oneshot(get())]).await;
    assert!(both.into_iter().all(|answer| answer.is_ok()));
    assert!(!Arc::ptr_eq(&one.only(), &other.only()));
    assert!(one.only().parent().is_none() && other.only().parent().is_none());
}

/// Asks three times, whatever the answer.
#[derive(Clone)]
struct ThreeTimes(u32);

impl<R> Policy<Request<()>, R, Infallible> for ThreeTimes {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<()>,
        _: &mut Result<R, Infallible>,
    ) -> Option<Self::Future> {
        self.0 = self.0.checked_sub(1)?;
        Some(std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<()>) -> Option<Request<()>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn each_attempt_of_a_retry_is_an_exchange() {
    let (server, client) = (Keeper::default(), Keeper::default());
    let attempts = client.wrap(Client, hello);
    let retry = RetryLayer::new(ThreeTimes(2)).layer(attempts);
    let handler = move |_| retry.clone().oneshot(get());
    server.wrap(Server, handler).oneshot(get()).await.unwrap();
    let attempts = client.facts();
    assert_eq!(attempts.len(), 3);
    assert!(attempts.iter().all(|attempt| is_parent(&server.only(), attempt)));
}

#[tokio::test]
async fn of_a_retry_between_two_wrappers_the_first_attempt_shares_the_outer_exchange() {
    let (outer, inner) = (Keeper::default(), Keeper::default());
    let retry = RetryLayer::new(ThreeTimes(2)).layer(inner.wrap(Client, hello));
    outer.layer(Client).layer(retry).oneshot(get()).await.unwrap();
    let attempts = inner.facts();
    assert_eq!(attempts.len(), 3);
    assert!(Arc::ptr_eq(&outer.only(), &attempts[0]));
    assert!(attempts[1..].iter().all(|attempt| is_parent(&outer.only(), attempt)));
}

#[tokio::test]
async fn a_replayed_clone_is_an_exchange_of_its_own() {
    let (outer, inner) = (Keeper::default(), Keeper::default());
    let kept = Arc::new(Mutex::new(None));
    let service = inner.wrap(Server, hello);
    let (keep, inside) = (kept.clone(), service.clone());
    let handler = move |request: Request<()>| {
        *keep.lock().unwrap() = Some(request.clone());
        let (first, twin) = (inside.clone(), inside.clone());
        let again = request.clone();
        async move {
            // the request itself goes on to the inner wrapper, then a clone of it
            first.oneshot(request).await?;
            twin.oneshot(again).await
        }
    };
    outer.wrap(Server, handler).oneshot(get()).await.unwrap();
    let [shared, twin] = &inner.facts()[..] else { panic!("two exchanges were expected") };
    assert!(Arc::ptr_eq(&outer.only(), shared));
    assert!(is_parent(&outer.only(), twin));

    // and once more when the exchange has long ended
    let late = kept.lock().unwrap().take().unwrap();
    service.oneshot(late).await.unwrap();
    let facts = inner.facts();
    assert_eq!(facts.len(), 3);
    assert!(facts[2].parent().is_none());
    assert!(!Arc::ptr_eq(&outer.only(), &facts[2]));
}

#[tokio::test]
async fn an_inner_wrapper_reached_after_the_end_does_not_join() {
    let (outer, inner) = (Keeper::default(), Keeper::default());
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let handler = move |request| {
        *keep.lock().unwrap() = Some(request);
        hello(get())
    };
    outer.wrap(Server, handler).oneshot(get()).await.unwrap();
    let late = kept.lock().unwrap().take().unwrap();
    inner.wrap(Server, hello).oneshot(late).await.unwrap();
    assert!(outer.only().has_ended());
    assert!(!Arc::ptr_eq(&outer.only(), &inner.only()));
}
