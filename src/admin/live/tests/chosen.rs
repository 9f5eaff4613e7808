//! Who gets the document, and who the page.

use super::*;

#[tokio::test]
async fn who_asks_chooses_what_is_told() {
    let bench = Bench::new();
    bench.ask(of_route("/a"), Duration::ZERO, StatusCode::OK);
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for path in ["/debug", "/debug/families/4"] {
        for (query, accept, expected) in [
            ("", "*/*", "application/json"),
            ("", browser, "text/html; charset=utf-8"),
            ("?format=json", browser, "application/json"),
            ("?format=html", "application/json", "text/html; charset=utf-8"),
            ("?window=day&refresh=60", browser, "text/html; charset=utf-8"),
        ] {
            let request = |method: &str| {
                let request = Request::builder().method(method).uri(format!("{path}{query}"));
                let request = request.header("authorization", format!("Bearer {READER}"));
                request
                    .header("accept", accept)
                    .body(http_body_util::Empty::<bytes::Bytes>::new())
                    .unwrap()
            };
            let get = ask(&bench.admin, request("GET")).await;
            assert_eq!((get.status.as_u16(), get.header("content-type")), (200, Some(expected)));
            assert_eq!(get.header("vary"), Some("Accept"));
            let refresh = query.contains("refresh").then_some("60");
            assert_eq!(get.header("refresh"), refresh, "{path}{query}");
            assert_eq!(
                get.header("content-security-policy").is_some(),
                expected.starts_with("text")
            );
            let head = ask(&bench.admin, request("HEAD")).await;
            assert_eq!(head, Told { body: Default::default(), ..get });
        }
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_by_its_name() {
    let bench = Bench::new();
    for (query, field) in [
        ("?format=xml", "format"),
        ("?format=html&format=html", "format"),
        ("?window=week", "window"),
        ("?refresh=0", "refresh"),
        ("?refresh=61", "refresh"),
        ("?refresh=5;url=//a", "refresh"),
        ("?refresh", "refresh"),
        ("?reload=5", "reload"),
    ] {
        let told = bench.get(&format!("/debug{query}")).await;
        assert_eq!((told.status.as_u16(), &told.json()["field"]), (400, &json!(field)), "{query}");
    }
    for id in ["4", "-1", "a", "4294967296", "%34"] {
        let told = bench.get(&format!("/debug/families/{id}")).await;
        assert_eq!(told.status, 404, "{id}");
    }
}

#[tokio::test]
async fn the_list_of_endpoints_stays_at_the_root() {
    let bench = Bench::new();
    let told = bench.json("/").await;
    let paths: Vec<_> =
        told["endpoints"].as_array().unwrap().iter().map(|it| it["path"].clone()).collect();
    assert_eq!(paths, ["/", "/debug", "/debug/families/{id}"]);
    let without = Admin::builder(bearer()).build();
    let told = ask(&without, request("GET", "/debug", Some(READER), "")).await;
    assert_eq!(told.json()["endpoints"][1]["path"], "/debug");
}
