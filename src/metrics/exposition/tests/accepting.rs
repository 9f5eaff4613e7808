use http::HeaderMap;
use http::header::{ACCEPT, HeaderValue};
use proptest::prelude::*;

use super::super::Format::{self, OpenMetrics, Text};

fn accepted(values: &[&str]) -> Format {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(ACCEPT, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    Format::accepted(&headers)
}

#[test]
fn the_format_of_the_highest_weight_is_chosen() {
    const OPEN: &str = "application/openmetrics-text";
    for (accept, format) in [
        (&[][..], Text),
        (&[""], Text),
        (&["*/*"], Text),
        (&["text/html, application/xhtml+xml, */*;q=0.8"], Text),
        (&["application/json"], Text),
        (&[OPEN], OpenMetrics),
        (&["APPLICATION/OpenMetrics-Text ; Version=\"1.0.0\" ; charset=UTF-8"], OpenMetrics),
        (&["application/openmetrics-text;version=0.0.1"], OpenMetrics),
        (&["application/openmetrics-text;version=2.0.0"], Text),
        // several headers are one list
        (&["text/plain;q=0.3", OPEN], OpenMetrics),
        (&["text/plain;q=0.5, application/openmetrics-text;q=0.4"], Text),
        (&["text/plain;q=0.5, application/openmetrics-text;q=0.501"], OpenMetrics),
        (&["text/plain, application/openmetrics-text"], Text),
        // the most specific range tells, not the one of the highest weight
        (&["text/*;q=0.9, text/plain;q=0.1, application/*;q=0.5"], OpenMetrics),
        (&["text/plain;version=0.0.4;q=0.1, text/plain;q=0.9, application/*;q=0.5"], OpenMetrics),
        (&["*/*;q=0.9, text/plain;q=0"], OpenMetrics),
        (&["application/openmetrics-text;q=0"], Text),
        // a range that cannot be read says nothing
        (&["application/openmetrics-text;q=2, text/plain;q=0.1"], Text),
        (&["application/openmetrics-text;q=0.1234, text/plain;q=0.1"], Text),
        (&["application/openmetrics-text;version=\"1.0.0, text/plain"], Text),
        (&["*;q=0.2, application/openmetrics-text;q=0.1"], OpenMetrics),
        (&["*/plain, application/openmetrics-text;q=0.1"], OpenMetrics),
        (
            &[
                "text/plain;q=0.1;note=\"a, application/json;q=1\", application/openmetrics-text;q=0.2",
            ],
            OpenMetrics,
        ),
        // what Prometheus sends: 2.42, and 3.0
        (
            &[
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            ],
            OpenMetrics,
        ),
        (
            &[
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            ],
            OpenMetrics,
        ),
    ] {
        assert_eq!(accepted(accept), format, "{accept:?}");
    }
}

#[test]
#[cfg(feature = "metrics-protobuf")]
fn protobuf_is_chosen_where_it_is_wanted_most_and_delimited() {
    const WANTED: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily";
    // as Prometheus 2.42 with native histograms has it
    let prometheus = format!(
        "{WANTED};encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    );
    assert_eq!(accepted(&[&prometheus]), Format::Protobuf);
    assert_eq!(accepted(&[WANTED]), Format::Protobuf);
    assert_eq!(accepted(&[&format!("{WANTED};encoding=text")]), Text);
    assert_eq!(accepted(&["application/vnd.google.protobuf;proto=other.Message"]), Text);
}

proptest! {
    #[test]
    fn no_accept_is_too_odd(values in prop::collection::vec("[ -~]{0,80}", 0..3)) {
        accepted(&values.iter().map(|value| &**value).collect::<Vec<_>>());
    }

    #[test]
    fn the_higher_weight_wins_wherever_it_stands(
        (text, open) in (1..=1000_u32, 1..=1000_u32),
        swapped: bool,
    ) {
        let weight = |weight: u32| format!("{}.{:03}", weight / 1000, weight % 1000);
        let mut ranges = [
            format!("text/plain;version=0.0.4;q={}", weight(text)),
            format!("application/openmetrics-text;q={}", weight(open)),
        ];
        if swapped {
            ranges.reverse();
        }
        let expected = if open > text { OpenMetrics } else { Text };
        prop_assert_eq!(accepted(&[&ranges.join(" ,\t")]), expected);
    }
}
