//! Who is told: prints each notification of Alertmanager with the path it came to, a line of JSON each.

use axum::http::{StatusCode, Uri};
use axum::{Json, Router};
use serde_json::{Value, json};

pub fn app() -> Router {
    Router::new().fallback(receive)
}

async fn receive(to: Uri, Json(notification): Json<Value>) -> StatusCode {
    println!("{}", json!({ "to": to.path(), "notification": notification }));
    StatusCode::OK
}
