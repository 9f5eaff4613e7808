//! An observer behind an `Option` does what it does alone.

use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response, request};
use tower::{Layer, ServiceExt, service_fn};

use crate::classify::Side::Server;
use crate::exchange::{End, Facts, ObserveLayer, Observer};
use crate::testing::ScriptBody;

/// Counts its scopes and doubles the number that is the request's body.
#[derive(Clone, Default)]
struct Doubles(Arc<AtomicUsize>);

impl Observer for Doubles {
    type Exchange = ();

    fn begin(&self, _: &mut request::Parts, _: &Arc<Facts>) {}

    fn scope<R>(&self, (): &mut (), inner: impl FnOnce() -> R) -> R {
        self.0.fetch_add(1, Ordering::Relaxed);
        inner()
    }

    fn request_body<B: 'static>(&self, (): &mut (), mut body: B) -> B {
        if let Some(number) = (&mut body as &mut dyn Any).downcast_mut::<u32>() {
            *number *= 2;
        }
        body
    }

    fn end(&self, (): (), _: &End<'_>) {}
}

async fn doubled(observer: impl Observer) -> u32 {
    let answers = service_fn(async |request: Request<u32>| {
        let mut response = Response::new(ScriptBody::new().claims_end());
        response.extensions_mut().insert(request.into_body());
        Ok::<_, Infallible>(response)
    });
    let service = ObserveLayer::new(Server, observer).layer(answers);
    let response = service.oneshot(Request::new(21)).await.unwrap();
    *response.extensions().get::<u32>().unwrap()
}

#[tokio::test]
async fn its_scopes_and_bodies_are_its_own() {
    let (alone, optional) = (Doubles::default(), Doubles::default());
    assert_eq!(doubled(alone.clone()).await, 42);
    assert_eq!(doubled(Some(optional.clone())).await, 42);
    let scopes = |observer: &Doubles| observer.0.load(Ordering::Relaxed);
    assert!(scopes(&alone) > 0);
    assert_eq!(scopes(&optional), scopes(&alone));
    assert_eq!(doubled(None::<Doubles>).await, 21);
}
