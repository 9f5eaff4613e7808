//! Pages as a browser's parser reads them.

mod parts;
mod style;

use proptest::prelude::*;
use scraper::{ElementRef, Html, Selector};

use super::*;

pub(in crate::admin) fn parsed(html: &str) -> Html {
    let page = Html::parse_document(html);
    assert_eq!(page.errors, Vec::<String>::new());
    page
}

pub(in crate::admin) fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

pub(in crate::admin) fn text(element: ElementRef<'_>) -> String {
    element.text().collect()
}

/// Each element with its attributes' names, in order: all that a page has beside texts and values.
pub(in crate::admin) fn markup(page: &Html) -> Vec<(String, Vec<String>)> {
    let elements = all(page, "*").into_iter().map(|element| {
        let mut names: Vec<_> = element.value().attrs().map(|(name, _)| name.to_owned()).collect();
        names.sort();
        (element.value().name().to_owned(), names)
    });
    elements.collect()
}

const COLUMNS: &[Column] = &[Column::Text("Name"), Column::Number("Value"), Column::Text("Plot")];

/// A page with every part, in each of which stands this text.
fn with_all(given: &str) -> Html {
    let chart = || {
        let points = [(0.0, Some(1.0)), (1.0, None), (2.0, Some(-0.5)), (3.0, Some(0.25))];
        let ends = [Phrase::from(given), given.into()];
        LineChart::new(given, points, [0.0, 1.0]).baseline(0.0).labels(|it| it.to_string(), ends)
    };
    let mut page = Page::new(given);
    let content = page.content();
    content.paragraph(given);
    content.section(Some(&Anchor::new(given)), given, |content| {
        let phrase = Phrase::new().text(given).code(given).badge(Tone::Bad, given);
        content.facts([(given, phrase.link(&Anchor::new(given).href(), given))]);
        let mut table = Table::new(given, COLUMNS);
        table.row([given.into(), given.into(), Phrase::new().sparkline(&chart())]);
        content.table(&table);
        content.section(None, given, |content| {
            content.line_chart(&chart());
            let mut bars = Bars::new(given);
            bars.bar(given, Some(1.0), given);
            content.bars(&bars);
        });
        content.details(given, |content| content.paragraph(given));
    });
    parsed(&page.html())
}

/// How a text stands in a page: the controls shown.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            control if escape::is_control(control) => {
                shown.push_str(&escape::bounded(control.to_string().as_bytes(), 16));
            }
            plain => shown.push(plain),
        }
    }
    shown
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[<>&\"'=/ !\\-a-z;#x0-9\r\n\t\0`]{0,40}",
        prop::sample::select(vec![
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "' onmouseover='alert(1)",
            "</title></style></svg></table></main><script>",
            "<!--",
            "-->",
            "]]>",
            "<![CDATA[",
            "&lt;&#60;&amp",
            "&colon;",
            "javascript:alert(1)",
            "\u{202e}gpj.exe",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn whatever_is_given_is_text_and_nothing_else(given in hostile()) {
        let (page, harmless) = (with_all(&given), with_all("harmless"));
        prop_assert_eq!(markup(&page), markup(&harmless));
        let expected = shown(&given);
        for of in ["title", "h1", "h2", "h3", "main > p", "code", ".badge", "a", "caption", "dt",
            "summary", "details p", "figcaption", "tbody th", ".ends span", ".bars span"] {
            let found: Vec<_> = all(&page, of).into_iter().map(text).collect();
            prop_assert!(!found.is_empty(), "{}", of);
            for found in found {
                let expected = if of == "title" && found.contains(": ") && found != expected {
                    // that of a bar
                    format!("{expected}: {expected}")
                } else {
                    expected.clone()
                };
                prop_assert_eq!(&found, &expected, "{}", of);
            }
        }
        let label = all(&page, "[aria-label]")[0].value().attr("aria-label");
        prop_assert_eq!(label, Some(&*expected));
        let (link, section) = (all(&page, "a")[0], all(&page, "section")[0]);
        prop_assert_eq!(link.value().attr("href").unwrap().strip_prefix('#'), section.value().attr("id"));
    }

    #[test]
    fn a_link_leads_to_the_web_or_stays(given in prop_oneof![
        hostile(),
        "(?i)[ \t\r\n\0\u{1}\u{a0}]{0,2}(java[\t\n]?script|data|vbscript|file|https?|[a-z]{0,3})[ \t]?[:/\\\\]{0,4}[a-z@.:/\\\\%0-9]{0,9}",
    ]) {
        let Some(href) = Href::new(&given) else { return Ok(()) };
        let base = reqwest::Url::parse("https://admin.example/slo").unwrap();
        let host = |url: &reqwest::Url| url.host_str().map(str::to_owned);
        // what a browser cannot read it does not follow
        if let Ok(url) = base.join(href.as_str()) {
            prop_assert!(["http", "https"].contains(&url.scheme()), "{}", url);
            let is_absolute = given.to_ascii_lowercase().starts_with("http");
            prop_assert!(is_absolute || host(&url) == host(&base), "{}", url);
        }
        let mut page = Page::new("t");
        page.content().paragraph(Phrase::new().link(&href, "there"));
        let page = parsed(&page.html());
        prop_assert_eq!(all(&page, "a")[0].value().attr("href"), Some(&*given));
    }

    #[test]
    fn other_names_are_other_anchors(one: String, other: String) {
        let [a, b] = [&one, &other].map(|name| Anchor::new(name));
        prop_assert_eq!(a == b, one == other);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        prop_assert!(a.id().bytes().all(is_plain));
    }

    #[test]
    fn any_numbers_can_be_drawn(
        points in prop::collection::vec((any::<f64>(), any::<Option<f64>>()), 0..9),
        range: [f64; 2],
    ) {
        let mut page = Page::new("t");
        page.content().line_chart(&LineChart::new("t", points, range));
        let page = parsed(&page.html());
        let curve = all(&page, ".curve")[0].value().attr("d").unwrap();
        for number in curve.split(['M', 'L', 'h', ' ']).filter(|it| !it.is_empty()) {
            prop_assert!((0.0..=1000.0).contains(&number.parse::<f64>().unwrap()), "{}", curve);
        }
    }
}

#[test]
fn links_are_of_the_web_or_relative() {
    for url in
        ["https://a.example/b?c#d", "HTTP://a", "/slo", "slo", "?a=b", "#at-a", "a/b:c", "./:"]
    {
        assert_eq!(Href::new(url).map(|href| href.as_str().to_owned()), Some(url.to_owned()));
    }
    for url in [
        "",
        " ",
        "//a",
        "/\\a",
        "\\\\a",
        "javascript:alert(1)",
        "JaVaScRiPt://a",
        "java\tscript:a",
        " javascript:a",
        "\u{1}javascript:a",
        "data:text/html,a",
        "vbscript:a",
        "file:///a",
        "http:a",
        "https:/a",
        "https://",
        "https:///a",
        ":a",
        "blob:https://a",
        "https://a\u{202e}b",
    ] {
        assert_eq!(Href::new(url), None, "{url}");
    }
}
