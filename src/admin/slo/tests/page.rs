//! The page.

use super::*;

#[tokio::test]
async fn the_page_tells_what_the_document_does() {
    let page = bench().await.page().await;
    let texts = |of: &str| -> Vec<String> { all(&page, of).into_iter().map(text).collect() };
    assert_eq!(texts("h1"), ["Service level objectives"]);
    assert_eq!(texts("h2"), ["available", "fast"]);
    assert_eq!(texts("h3"), ["Budget", "Burn rates", "Alerts"].repeat(2));
    assert!(texts("main > p")[0].contains("this instance alone, not by the fleet"));
    assert_eq!(texts("main > p time"), ["2026-01-02T00:00:05Z"]);

    let rows = |table: usize| -> Vec<Vec<String>> {
        let body = all(&page, "tbody")[table];
        body.child_elements()
            .map(|row| row.child_elements().map(|cell| cell.text().collect()).collect())
            .collect()
    };
    let all_objectives = rows(0);
    assert_eq!(all_objectives[0][..2], ["available", "99.9%"]);
    assert!(all_objectives[0][2].contains("page 10s/2m firing"), "{all_objectives:?}");
    assert_eq!(
        all_objectives[1][..4],
        ["fast", "50%", "no alert insufficient data", "insufficient data: nothing was counted"]
    );
    let links: Vec<_> =
        all(&page, "a").into_iter().map(|it| it.value().attr("href").unwrap()).collect();
    assert_eq!(links, ["#at-available", "#at-fast", "https://runbooks.example/a?b&c"]);
    assert_eq!(all(&page, "section#at-available, section#at-fast").len(), 2);
    let facts = texts("#at-fast > .facts dd");
    let expected =
        ["50%", "1d", "latency: at most 250ms to the end", "client", "/a, /b", "0 good, 0 bad"];
    assert_eq!(facts, expected);
    assert_eq!(texts("summary")[2], "Left out: 3");
    // a plot of the budget's history, one in short, and bars of eight and three windows
    let plots = ["svg.line", "svg.spark", "svg.bar"].map(|of| all(&page, of).len());
    assert_eq!(plots, [2, 2, 11]);
    let burnt = all(&page, "svg.line .curve")[0].value().attr("d").unwrap();
    assert_eq!(burnt.matches(['M', 'L']).count(), 61);
    // no two things that scroll are called the same
    let mut labels: Vec<_> = all(&page, "[aria-label]")
        .into_iter()
        .map(|it| it.value().attr("aria-label").unwrap())
        .collect();
    let count = labels.len();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), count);
}

/// `SLO_PAGE=page.html cargo test --features full --lib a_page_can_be_looked_at` keeps it.
#[tokio::test]
async fn a_page_can_be_looked_at() {
    let told = bench().await.get("/slo?format=html").await;
    assert!(told.body.starts_with(b"<!DOCTYPE html>"));
    if let Some(path) = std::env::var_os("SLO_PAGE") {
        std::fs::write(path, &told.body).unwrap();
    }
}

#[tokio::test]
async fn what_is_not_known_is_said() {
    let bench = Bench::new([available("99.9")]);
    let remaining = async || {
        let page = bench.page().await;
        text(all(&page, "tbody tr > :nth-child(4)")[0])
    };
    assert_eq!(remaining().await, "insufficient data: nothing was counted");
    bench.count(StatusCode::OK, 1).await;
    bench.clock.advance(DAY);
    assert_eq!(remaining().await, "insufficient data: 3.33% of the period covered");
    bench.clock.advance(2 * DAY);
    assert_eq!(remaining().await, "100%");
    let none = Bench::new([]);
    assert_eq!(none.get("/slo").await.json()["objectives"], json!([]));
    let page = none.page().await;
    assert_eq!(text(all(&page, "main > p")[1]), "There are no objectives.");
}

#[test]
fn numbers_are_short_and_never_more_than_they_are() {
    for (ratio, expected) in [
        (1.0, "100%"),
        (0.999_999, ">99.99%"),
        (0.5, "50%"),
        (0.123_45, "12.35%"),
        (0.000_001, "<0.01%"),
        (0.0, "0%"),
        (-0.0, "0%"),
        (-0.000_001, ">-0.01%"),
        (-1.5, "-150%"),
    ] {
        assert_eq!(crate::admin::slo::page::percent(ratio), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_an_objective_says_is_text(
        description in "[^\r\0-\u{8}\u{b}-\u{1f}]{1,40}",
        route in "[<>&\"' /a-z=\\-!]{1,40}",
        url in "https?://[a-z]{1,5}/[a-z()'%&;]{0,20}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let of = |description: &str, route: &str, url: &str| {
            let objective = available("99.9").description(description).route(route);
            let bench = Bench::new([objective.runbook_url(url)]);
            runtime.block_on(bench.page())
        };
        let page = of(&description, &route, &url);
        let harmless = of("a", "/", "https://a");
        prop_assert_eq!(markup(&page), markup(&harmless));
        let route_told = text(all(&page, "dd code")[0]);
        prop_assert_eq!(route_told, route);
        let told = text(all(&page, "section > p")[0]);
        let is_plain = !description.chars().any(crate::escape::is_control);
        prop_assert!(!is_plain || told == description, "{}", told);
        let links = all(&page, ".facts a");
        prop_assert_eq!(links.len(), 1);
        for link in links {
            prop_assert_eq!(link.value().attr("href"), Some(&*url));
        }
    }
}
