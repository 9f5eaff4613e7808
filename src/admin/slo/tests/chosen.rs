//! Who gets the document, and who the page.

use super::*;

#[tokio::test]
async fn who_asks_chooses_what_is_told() {
    let bench = Bench::new([available("99.9")]);
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (query, accept, expected) in [
        ("", None, "application/json"),
        ("", Some("*/*"), "application/json"),
        ("", Some(browser), "text/html; charset=utf-8"),
        ("", Some("text/html;q=0.5, application/json"), "application/json"),
        ("", Some("image/png"), "application/json"),
        ("?format=json", Some(browser), "application/json"),
        ("?format=html", None, "text/html; charset=utf-8"),
        ("?format=html&", Some("application/json"), "text/html; charset=utf-8"),
    ] {
        let request = |method: &str| {
            let mut request = Request::builder().method(method).uri(format!("/slo{query}"));
            request = request.header("authorization", format!("Bearer {READER}"));
            if let Some(accept) = accept {
                request = request.header("accept", accept);
            }
            request.body(Empty::<bytes::Bytes>::new()).unwrap()
        };
        let get = ask(&bench.admin, request("GET")).await;
        assert_eq!((get.status.as_u16(), get.header("content-type")), (200, Some(expected)));
        assert_eq!(get.header("vary"), Some("Accept"), "{query} {accept:?}");
        assert_eq!(get.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(get.header("content-security-policy").is_some(), expected.starts_with("text"));
        assert_eq!(get.header("content-length"), Some(&*get.body.len().to_string()));
        let head = ask(&bench.admin, request("HEAD")).await;
        assert_eq!(head, Told { body: Default::default(), ..get });
    }
    for (query, field) in [
        ("?format=xml", "format"),
        ("?format=", "format"),
        ("?format", "format"),
        ("?format=html&format=html", "format"),
        ("?fromat=html", "fromat"),
    ] {
        let told = bench.get(&format!("/slo{query}")).await;
        assert_eq!((told.status.as_u16(), &told.json()["field"]), (400, &json!(field)), "{query}");
    }
}
