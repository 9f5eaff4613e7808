//! The stylesheet, and what is allowed beside it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::*;

#[test]
fn the_policy_allows_the_stylesheet_and_nothing_else() {
    let response = Page::new("t").answer();
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let header = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(header("content-security-policy"), policy);
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    let page = with_all("a");
    assert_eq!(text(all(&page, "style")[0]), STYLE);
    assert_eq!(all(&page, "style").len(), 1);
    assert_eq!(all(&page, "[style],script,link,img,iframe,form,base,object").len(), 0);
    assert_eq!(all(&page, "html[lang=en]").len(), 1);
    assert_eq!(all(&page, "meta[name=viewport]").len(), 1);
    assert_eq!(all(&page, "h1").len(), 1);
}

/// The colours of each scheme, by name.
fn colours() -> [Vec<(&'static str, [f64; 3])>; 2] {
    let of = |rule: &'static str| {
        let pairs = rule.split("--").filter_map(|pair| pair.split_once(":#"));
        let read = pairs.map(|(name, hex)| {
            let channel = |at: usize| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
            (name, [channel(0), channel(2), channel(4)])
        });
        read.collect::<Vec<_>>()
    };
    let mut rules = STYLE.split(":root{").skip(1).map(|rule| of(rule.split('}').next().unwrap()));
    [rules.next().unwrap(), rules.next().unwrap()]
}

/// As WCAG 2.2 has it.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [red, green, blue] = colour.map(|channel| match channel / 255.0 {
            low if low <= 0.04045 => low / 12.92,
            high => ((high + 0.055) / 1.055).powf(2.4),
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let [a, b] = [luminance(one), luminance(other)];
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_text_is_readable_in_both_schemes() {
    for (scheme, colours) in ["light", "dark"].into_iter().zip(colours()) {
        let colour = |name: &str| {
            let found = colours.iter().find(|(of, _)| *of == name);
            found.unwrap_or_else(|| panic!("{name} in {scheme}")).1
        };
        for (text, behind, least) in [
            ("text", "back", 7.0),
            ("text", "raised", 7.0),
            ("muted", "back", 4.5),
            ("muted", "raised", 4.5),
            ("link", "back", 4.5),
            ("link", "raised", 4.5),
            ("good", "good-back", 4.5),
            ("warning", "warning-back", 4.5),
            ("bad", "bad-back", 4.5),
            ("neutral", "neutral-back", 4.5),
            // no text
            ("line", "back", 3.0),
            ("line", "raised", 3.0),
        ] {
            let found = contrast(colour(text), colour(behind));
            assert!(found >= least, "{text} on {behind} in {scheme}: {found:.2}");
        }
    }
}
