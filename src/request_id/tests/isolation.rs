use super::*;

/// The ID as everything in reach of a handler tells it.
fn everywhere(head: &http::HeaderMap) -> Vec<String> {
    let facts = Facts::current().unwrap();
    let header = head["x-request-id"].to_str().unwrap().to_owned();
    vec![facts.request_id().unwrap().to_string(), header]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_tasks_never_see_each_others_id() {
    let client = RequestIdLayer::client().layer(service_fn(async |request: Request<()>| {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(Response::new(everywhere(request.headers()).join(" ")))
    }));
    let server = RequestIdLayer::server().layer(service_fn(move |request: Request<()>| {
        let client = client.clone();
        async move {
            let mut seen = everywhere(request.headers());
            for _ in 0..5 {
                tokio::task::yield_now().await;
                seen.extend(everywhere(request.headers()));
                let sent = client.clone().oneshot(Request::new(())).await?.into_body();
                seen.push(
                    http_body_util::BodyExt::collect(sent)
                        .await?
                        .to_bytes()
                        .escape_ascii()
                        .to_string(),
                );
            }
            Ok::<_, Infallible>(Response::new(seen.join(" ")))
        }
    }));
    let calls = (0..1000).map(|number| {
        let server = server.clone();
        tokio::spawn(async move {
            let id = format!("task-{number}");
            // every other one is made here
            let call = match number % 2 {
                0 => request(&[("x-request-id", id.as_bytes())]),
                _ => request(&[]),
            };
            let response = server.oneshot(call).await.unwrap();
            let echoed = response.headers()["x-request-id"].to_str().unwrap().to_owned();
            assert!(number % 2 == 1 || echoed == id);
            let seen = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
            let seen = String::from_utf8(seen.to_bytes().to_vec()).unwrap();
            assert_eq!(seen.split(' ').count(), 22);
            assert!(seen.split(' ').all(|id| id == echoed), "{echoed}: {seen}");
            echoed
        })
    });
    let mut ids = std::collections::HashSet::new();
    for call in calls.collect::<Vec<_>>() {
        ids.insert(call.await.unwrap());
    }
    assert_eq!(ids.len(), 1000);
}
