//! The pages.

use proptest::prelude::*;

use super::*;
use crate::exchange::Facts;
use crate::id::RequestId;
use crate::live::Board;

/// Each row as its cells' texts.
fn rows(page: &Html, section: &str) -> Vec<Vec<String>> {
    let rows = all(page, &format!("#at-{section} tbody tr"));
    rows.into_iter()
        .map(|row| row.child_elements().map(|cell| cell.text().collect()).collect())
        .collect()
}

#[tokio::test]
async fn stuck_requests_come_first_and_families_tell_what_the_board_does() {
    let bench = Bench::of(|page| page.service("checkout", "1.2.3"), |admin| admin);
    bench.ask(of_route("/a"), Duration::from_millis(250), StatusCode::OK);
    bench.ask(of_route("/a"), Duration::from_millis(750), StatusCode::SERVICE_UNAVAILABLE);
    let mut service = bench.layer.layer(Script::pends());
    let _stuck = service.call(of_route("/a"));
    let page = bench.page("/debug?format=html").await;
    assert_eq!(rows(&page, "active")[0][..4], ["GET /asked", "0s", "handler", "/a"]);
    bench.clock.advance(Duration::from_secs(12));
    let page = bench.page("/debug?format=html&refresh=5").await;
    assert_eq!(text(all(&page, "h1")[0]), "checkout 1.2.3: live");
    let headings: Vec<_> = all(&page, "h2").into_iter().map(text).collect();
    let expected =
        ["Active requests", "Errors and panics", "Families", "Build and runtime", "Endpoints"];
    assert_eq!(headings, expected);
    assert_eq!(rows(&page, "active")[0][1], "12.0s");
    assert_eq!(text(all(&page, "#at-active .badge.bad")[0]), "12.0s");
    let error = &rows(&page, "errors")[0];
    assert_eq!(error[..5], ["2026-01-01T00:00:00.25Z", "/a", "503", "GET /asked", "750.0ms"]);
    let family = &rows(&page, "families")[0];
    let told = [0, 1, 2, 3, 5, 7, 8, 9].map(|at| family[at].as_str());
    assert_eq!(told, ["/a", "server", "1", "0.033/s", "50.0%", "500.0ms", "250.0ms", "725.0ms"]);
    assert_eq!(all(&page, "#at-families svg.spark").len(), 3);
    // all are relative, so that they hold wherever the service is mounted
    let links: Vec<_> =
        all(&page, "main a").into_iter().map(|it| it.value().attr("href").unwrap()).collect();
    assert!(links.contains(&"debug/families/4?format=html"), "{links:?}");
    assert!(links.contains(&"?format=html&window=day&refresh=5"), "{links:?}");
    assert!(links.iter().all(|link| !link.starts_with('/')), "{links:?}");
    assert_eq!(all(&page, "script, meta[http-equiv]").len(), 0);
}

#[tokio::test]
async fn a_familys_page_has_its_samples() {
    let bench = Bench::new();
    bench.ask(of_route("/a"), Duration::from_millis(250), StatusCode::OK);
    bench.ask(of_route("/a"), Duration::from_millis(750), StatusCode::SERVICE_UNAVAILABLE);
    let page = bench.page("/debug/families/4?format=html").await;
    assert_eq!(text(all(&page, "h1")[0]), "/a (server)");
    let headings: Vec<_> = all(&page, "h2").into_iter().map(text).collect();
    assert_eq!(headings, ["Rate, errors, durations", "Durations", "Panics", "Errors"]);
    let summaries: Vec<_> = all(&page, "summary").into_iter().map(text).collect();
    let expected = ["The newest of ≤250ms", "The newest of ≤750ms", "503 2026-01-01T00:00:00.25Z"];
    assert_eq!(summaries, expected);
    assert_eq!((all(&page, "svg.line").len(), all(&page, "svg.bar").len()), (9, 15));
    let bars: Vec<_> = all(&page, ".bars dt").into_iter().map(text).collect();
    assert_eq!((bars[0].as_str(), bars[14].as_str()), ("≤5ms", ">10s"));
}

#[cfg(feature = "debug-dump")]
#[tokio::test]
async fn a_sample_links_to_its_dump() {
    use crate::classify::Side;
    use crate::debug_dump::{DebugDumpLayer, DumpControl, Rule};
    use crate::exchange::ObserveLayer;

    let control = DumpControl::new();
    control.arm(Rule::new(Duration::from_secs(60)).unwrap());
    let bench = Bench::of(|page| page, |admin| admin.dumps(control.clone()));
    let both = (
        LiveLayer::server(&bench.board).into_observer(),
        DebugDumpLayer::server(&control).into_observer(),
    );
    let layer = ObserveLayer::new(Side::Server, both).clock(bench.clock.clock());
    let inner = tower::service_fn(|_: Request<()>| {
        Facts::current().unwrap().set_request_id(RequestId::from_bytes(b"id-7").unwrap());
        async { Ok::<_, std::convert::Infallible>(http::Response::new(String::from("a"))) }
    });
    let answered = layer.layer(inner).call(of_route("/a")).await.unwrap();
    answered.into_body().collect().await.unwrap();
    let page = bench.page("/debug/families/0?format=html").await;
    let links: Vec<_> =
        all(&page, ".facts a").into_iter().map(|it| it.value().attr("href").unwrap()).collect();
    assert_eq!(links, ["../../debug/dump/captures/1"]);
    assert_eq!(bench.get("/debug/dump/captures/1").await.status, 200);
}

#[tokio::test]
async fn nothing_yet_is_said() {
    let bench = Bench::new();
    let page = bench.page("/debug?format=html").await;
    let told: Vec<_> = all(&page, "section > p").into_iter().map(text).collect();
    assert_eq!(told, ["None.", "None is kept.", "No exchange has ended yet."]);
}

/// `LIVE_PAGE=page cargo test --features full --lib live_pages_can_be_looked_at` keeps them.
#[tokio::test]
async fn live_pages_can_be_looked_at() {
    let health = || {
        vec![
            HealthLine::new("database", HealthStatus::Pass, "2 of 10 connections in use"),
            HealthLine::new("payment", HealthStatus::Fail, "connection refused"),
        ]
    };
    let bench = Bench::of(|page| page.service("checkout", "1.2.3").health(health), |admin| admin);
    let mut service = bench.layer.layer(Script::pends());
    let _stuck = service.call(of_route("/orders/{id}"));
    for at in 0..400_u64 {
        let route = ["/orders/{id}", "/users/{id}", "/cart"][at as usize % 3];
        let status = if at % 37 == 0 { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
        bench.ask(of_route(route), Duration::from_millis(at * at % 1_300), status);
    }
    for (name, path) in [("", "/debug?format=html"), ("-family", "/debug/families/4?format=html")] {
        let told = bench.get(path).await;
        assert!(told.body.starts_with(b"<!DOCTYPE html>"));
        if let Some(to) = std::env::var_os("LIVE_PAGE") {
            let to = format!("{}{name}.html", to.to_str().unwrap());
            std::fs::write(to, &told.body).unwrap();
        }
    }
}

/// A board on which one exchange of this text runs, and one failed.
async fn pages_of(given: &str, path: &str) -> [Html; 2] {
    let bench = Bench::new();
    let asked = || {
        let uri = http::Uri::builder().path_and_query(path).build().unwrap();
        Request::get(uri).body(()).unwrap()
    };
    let inner = |given: &str, fails: bool| {
        let given = given.to_owned();
        tower::service_fn(move |_: Request<()>| {
            let facts = Facts::current().unwrap();
            facts.set_route(given.clone());
            facts.annotate(format!("k{given}"), given.clone());
            let given = given.clone();
            async move {
                match fails {
                    true => Err::<http::Response<String>, _>(std::io::Error::other(given)),
                    false => std::future::pending().await,
                }
            }
        })
    };
    let _ = bench.layer.layer(inner(given, true)).call(asked()).await;
    let mut service = bench.layer.layer(inner(given, false));
    let _stuck = service.call(asked());
    let board: &Board = &bench.board;
    let id = board.families()[0].id.number();
    [
        bench.page("/debug?format=html").await,
        bench.page(&format!("/debug/families/{id}?format=html")).await,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_a_caller_sends_is_text(
        given in prop_oneof![
            "\\PC{1,40}",
            "[<>&\"'=/ !\\-a-z;#x0-9`]{1,40}",
            prop::sample::select(vec![
                "<script>alert(1)</script>",
                "\"><img src=x onerror=alert(1)>",
                "</title></style></svg></table></main><script>",
                "<!--", "]]>", "javascript:alert(1)", "\u{202e}gpj.exe",
            ]).prop_map(str::to_owned),
        ],
        path in "/[a-z<>\"'&%;:!()*+,=@/.-]{0,40}".prop_filter("a path", |path| {
            http::Uri::builder().path_and_query(path.as_str()).build().is_ok()
        }),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let [page, family] = runtime.block_on(pages_of(&given, &path));
        let harmless = runtime.block_on(pages_of("harmless", "/harmless"));
        prop_assert_eq!(markup(&page), markup(&harmless[0]));
        prop_assert_eq!(markup(&family), markup(&harmless[1]));
        if !given.chars().any(crate::escape::is_control) {
            prop_assert_eq!(text(all(&page, "#at-families tbody th")[0]), given.clone());
            prop_assert_eq!(text(all(&family, "h1")[0]), format!("{given} (server)"));
        }
    }
}
