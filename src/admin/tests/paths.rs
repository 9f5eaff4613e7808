//! Which paths are an endpoint's.

use proptest::prelude::*;

use crate::admin::section::Endpoint;

fn is_at(of: &'static str, path: &str) -> bool {
    Endpoint { path: of, operations: &[] }.is_at(path)
}

#[test]
fn segments_are_compared_one_by_one() {
    const OF: &str = "/a/{id}/b";
    let paths = [
        "/a/1/b",
        "/a/{id}/b",
        "/a/%2F/b",
        "/a/1/b/",
        "/a//b",
        "/a/1",
        "/a/1/2/b",
        "/A/1/b",
        "a/1/b",
        "",
        "/",
    ];
    let found: Vec<_> = paths.into_iter().filter(|path| is_at(OF, path)).collect();
    assert_eq!(found, ["/a/1/b", "/a/{id}/b", "/a/%2F/b"]);
    assert!(is_at("/", "/") && !is_at("/", "") && !is_at("/", "//"));
}

proptest! {
    #[test]
    fn a_parameter_is_one_segment(segment in ".*") {
        let expected = !segment.is_empty() && !segment.contains('/');
        prop_assert_eq!(is_at("/a/{id}", &format!("/a/{segment}")), expected);
        prop_assert_eq!(is_at("/a", &format!("/{segment}")), segment == "a");
    }
}
