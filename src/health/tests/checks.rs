//! The ready-made checks, against what is real.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use super::*;
use crate::health::{BudgetCheck, Check, HttpCheck, TcpCheck};

async fn told<T: Into<Report>>(check: impl Fn() -> T) -> Report {
    check().into()
}

#[tokio::test]
async fn answers_and_errors_become_reports() {
    let found = told(|| ()).await;
    assert_eq!((found.status(), found.output()), (Status::Pass, ""));
    let found = told(|| Ok::<(), &str>(())).await;
    assert_eq!(found, Report::pass());
    let found = told(|| Err::<(), _>("refused")).await;
    assert_eq!((found.status(), found.output()), (Status::Fail, "refused"));
    let found = told(|| Ok::<_, &str>(Report::warn("slow"))).await;
    assert_eq!(found, Report::warn("slow"));
}

#[tokio::test]
async fn a_port_takes_connections_or_refuses_them() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    assert_eq!(TcpCheck::new(&address).run().await, Report::pass());
    drop(listener);
    let refused = TcpCheck::new(&address).run().await;
    assert_eq!(refused.status(), Status::Fail);
    assert!(refused.output().to_lowercase().contains("refused"), "{refused:?}");
}

#[tokio::test]
async fn a_service_is_judged_by_its_status() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = hyper::service::service_fn(async |request: Request<_>| {
                let _: &Request<hyper::body::Incoming> = &request;
                let status: u16 = request.uri().path().trim_start_matches('/').parse().unwrap();
                let response = Response::builder().status(status).body(Full::<Bytes>::default());
                Ok::<_, Infallible>(response.unwrap())
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), answer));
        }
    });
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    for (status, expected) in [
        (200, Report::pass()),
        (302, Report::pass()),
        (399, Report::pass()),
        (400, Report::warn("answered 400")),
        (499, Report::warn("answered 499")),
        (500, Report::fail("answered 500")),
        (503, Report::fail("answered 503")),
        (999, Report::fail("answered 999")),
    ] {
        let check = HttpCheck::new(client.clone(), &format!("http://{address}/{status}")).unwrap();
        assert_eq!(check.run().await, expected, "{status}");
    }
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let check = HttpCheck::new(client, &format!("http://{address}/200")).unwrap();
    let refused = check.run().await;
    assert_eq!(refused.status(), Status::Fail);
    assert!(refused.output().to_lowercase().contains("refused"), "{refused:?}");
}

#[test]
fn a_url_has_a_scheme_and_a_host() {
    let client = || Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    for wrong in ["", "/readyz", "host:80", "http://", "http:///a", "a b"] {
        let error = HttpCheck::new(client(), wrong).unwrap_err();
        assert_eq!((error.field(), error.value()), ("url", wrong));
    }
}

#[tokio::test]
async fn a_budget_warns_and_fails_only_where_told() {
    let of = async |left: Option<f64>| {
        let check = BudgetCheck::new(move || left);
        let told = BudgetCheck::new(move || left).warn_below(0.5).unwrap().fail_below(0.0).unwrap();
        (check.run().await, told.run().await)
    };
    let seen = |report: Report, value: f64| report.observed(value, "%");
    let low = "5.0 % of the error budget remain";
    let overspent = "-100.0 % of the error budget remain";
    assert_eq!(of(None).await, (Report::pass(), Report::pass()));
    assert_eq!(of(Some(0.5)).await, (seen(Report::pass(), 50.0), seen(Report::pass(), 50.0)));
    assert_eq!(of(Some(0.05)).await, (seen(Report::warn(low), 5.0), seen(Report::warn(low), 5.0)));
    assert_eq!(
        of(Some(-1.0)).await,
        (seen(Report::warn(overspent), -100.0), seen(Report::fail(overspent), -100.0))
    );
    let unknown = of(Some(f64::NAN)).await;
    assert_eq!((unknown.0.status(), unknown.1.status()), (Status::Warn, Status::Warn));
    let error = BudgetCheck::new(|| None).warn_below(f64::NAN).unwrap_err();
    assert_eq!((error.field(), error.value()), ("warn_below", "NaN"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_disk_is_really_looked_at() {
    use crate::health::{DiskSpaceCheck, Free};

    let bytes = |warn, fail| (Free::Bytes(warn), Free::Bytes(fail));
    let mut seen = Vec::new();
    for (warn, fail) in [bytes(0, 0), bytes(u64::MAX, 0), bytes(u64::MAX, u64::MAX)] {
        let check = DiskSpaceCheck::new(std::env::temp_dir(), warn, fail).unwrap();
        seen.push(check.run().await.status());
    }
    assert_eq!(seen, [Status::Pass, Status::Warn, Status::Fail]);
    let nowhere = DiskSpaceCheck::new("/no/such/path", Free::Bytes(0), Free::Bytes(0)).unwrap();
    assert_eq!(nowhere.run().await.status(), Status::Fail);
    // asked again, it has not forgotten that nobody is asking
    assert_eq!(nowhere.run().await.output(), nowhere.run().await.output());
}
