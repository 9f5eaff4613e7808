//! What each part is made of.

use super::*;

#[test]
fn headings_go_down_by_one_and_come_back() {
    let mut page = Page::new("1");
    page.content().section(None, "2", |content| {
        content.section(None, "3", |content| {
            content.section(None, "4", |content| {
                content.section(None, "5", |content| {
                    content.section(None, "6", |content| content.section(None, "6", |_| {}));
                });
            });
        });
        content.section(None, "3", |_| {});
    });
    page.content().section(None, "2", |_| {});
    let page = parsed(&page.html());
    let found: Vec<_> = all(&page, "h1,h2,h3,h4,h5,h6")
        .into_iter()
        .map(|heading| (heading.value().name().to_owned(), text(heading)))
        .collect();
    let expected =
        ["1", "2", "3", "4", "5", "6", "6", "3", "2"].map(|it| (format!("h{it}"), it.to_owned()));
    assert_eq!(found, expected);
}

#[test]
fn a_table_is_whole_whatever_its_rows_are() {
    let mut table = Table::new("c", COLUMNS);
    table.row(["a".into()]);
    table.row(["a".into(), "b".into(), "c".into(), Phrase::from("d")]);
    let mut page = Page::new("t");
    page.content().table(&table);
    let page = parsed(&page.html());
    let rows: Vec<Vec<_>> = all(&page, "tbody tr")
        .into_iter()
        .map(|row| row.child_elements().map(text).collect())
        .collect();
    assert_eq!(rows, [["a", "", ""], ["a", "b", "c"]]);
    let scopes = |of: &str| -> Vec<_> {
        all(&page, of).into_iter().map(|it| it.value().attr("scope").unwrap().to_owned()).collect()
    };
    assert_eq!(scopes("thead th"), ["col"; 3]);
    assert_eq!(scopes("tbody th"), ["row"; 2]);
    assert_eq!(all(&page, "[tabindex='0'][role=group][aria-label=c] > table").len(), 1);
}

#[test]
fn a_line_stops_where_there_is_nothing_and_bars_are_of_the_largest() {
    let points = [(0.0, Some(1.0)), (1.0, Some(0.5)), (2.0, None), (4.0, Some(-1.0))];
    let mut page = Page::new("t");
    page.content().line_chart(&LineChart::new("l", points, [0.0, 1.0]).baseline(0.0));
    let mut bars = Bars::new("b");
    for (name, value) in [("a", Some(2.0)), ("b", Some(1.0)), ("c", None), ("d", Some(-1.0))] {
        bars.bar(name, value, "told");
    }
    page.content().bars(&bars);
    let page = parsed(&page.html());
    let of = |selector: &str, name: &str| -> Vec<_> {
        let found = all(&page, selector).into_iter();
        found.map(|element| element.value().attr(name).unwrap().to_owned()).collect()
    };
    assert_eq!(of(".curve", "d"), ["M0.00 0.00h0L250.00 25.00M1000.00 100.00h0"]);
    assert_eq!(of(".base", "d"), ["M0 50.00H1000"]);
    assert_eq!(of("rect", "width"), ["1000.00", "500.00", "0.00", "0.00"]);
    assert_eq!(of("svg", "role"), ["img"; 5]);
    let titles: Vec<_> = all(&page, "svg > title:first-child").into_iter().map(text).collect();
    assert_eq!(titles, ["l", "a: told", "b: told", "c: told", "d: told"]);
}
