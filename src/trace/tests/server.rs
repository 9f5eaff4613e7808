use super::*;

#[tokio::test]
async fn a_request_has_one_span_as_a_child_of_its_callers() {
    let bench = Bench::new();
    let service = bench.server().layer(Script::status(StatusCode::OK));
    let request = get("/").header("traceparent", CALLER).body(()).unwrap();
    assert_eq!(bench.spans.spans(), []);
    service.oneshot(request).await.unwrap();
    let expected = SpanRecord {
        trace_id: TraceId::from(0xaa_u128),
        parent: Some(SpanId::from(0xbb_u64)),
        parent_is_remote: true,
        ..served(&[])
    };
    assert_eq!(bench.spans.only(), expected);
}
