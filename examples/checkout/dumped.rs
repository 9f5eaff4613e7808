//! The end of the script: an operator looks at exchanges whole, as the walk-through in the README does.

use std::io::ErrorKind;
use std::process::Output;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::config::Addresses;
use crate::customer::{Act, Customer, PATIENCE};
use crate::layers::Places;
use crate::seen::Reader;
use crate::services::BoxError;
use crate::steps::CARDS;

/// What the script's operators prove themselves with.
pub const TOKEN: &str = "the-token-of-those-who-run-it";

const CART: &str = r#"{"product": "lamp", "quantity": 2, "card": "4242-4242-4242-4242"}"#;

struct Operator<'a> {
    http: Client,
    addresses: &'a Addresses,
}

impl Operator<'_> {
    fn url(&self, path: &str) -> String {
        format!("http://{}/debug/dump{path}", self.addresses.admin)
    }

    async fn ask(&self, request: RequestBuilder) -> Result<String, BoxError> {
        let response = request.bearer_auth(TOKEN).send().await?;
        let (status, text) = (response.status(), response.text().await?);
        if status.is_success() { Ok(text) } else { Err(format!("{status}: {text}").into()) }
    }

    /// Dumps one exchange like this.
    async fn arm(&self, condition: Value) -> Result<(), BoxError> {
        let rule = json!({"match": condition, "captures": 1, "time_to_live_seconds": 60});
        let request = self.http.post(self.url("")).header("content-type", "application/json");
        self.ask(request.body(rule.to_string())).await.map(drop)
    }

    /// The one capture that was made since the last ones were forgotten.
    async fn capture(&self, format: &str) -> Result<String, BoxError> {
        let list: Value = serde_json::from_str(&self.ask(self.http.get(self.url(""))).await?)?;
        let id = match list["captures"].as_array().map(Vec::as_slice) {
            Some([one]) if list["armed"].is_null() => one["id"].clone(),
            _ => return Err(format!("expected one capture, got {list}").into()),
        };
        self.ask(self.http.get(self.url(&format!("/captures/{id}?format={format}")))).await
    }

    async fn forget(&self) -> Result<(), BoxError> {
        self.ask(self.http.delete(self.url("/captures"))).await.map(drop)
    }
}

/// Answers what disagreed, after it told what it saw.
pub async fn walk(
    addresses: &Addresses,
    places: &Places,
    customer: &Customer,
    reader: &mut Reader<'_>,
) -> Result<Vec<String>, BoxError> {
    let http = Client::builder().timeout(PATIENCE).build()?;
    let operator = Operator { http, addresses };
    let mut wrong = Vec::new();
    let mut expect = |what: &str, is: bool, got: &str| {
        if !is {
            wrong.push(format!("dump: expected {what}, got {got}"));
        }
    };

    let refused = operator.http.get(operator.url("")).send().await?.status();
    expect("401 without the token", refused == StatusCode::UNAUTHORIZED, refused.as_str());

    operator.arm(json!({"all": [{"route": "/checkout"}, {"status": 200}]})).await?;
    let answer = customer.act(Act::Post("/checkout", CART), places).await?;
    reader.exchanges(5).await;
    let text = operator.capture("text").await?;
    println!("\na checkout, dumped\n\n{}", indented(&text));
    expect("no card", !text.contains(CARDS), &text);
    let id = answer.request_id.unwrap_or_default();
    expect("the customer's request", text.contains(&id), &text);
    operator.forget().await?;

    let lamp = json!({"all": [{"route": "/products/{id}"}, {"path_prefix": "/products/lamp"}]});
    operator.arm(lamp).await?;
    customer.act(Act::Get("/products/lamp"), places).await?;
    reader.exchanges(1).await;
    let command = operator.capture("curl").await?;
    println!("the command that sends another one again\n\n{}", indented(&command));
    match Command::new("sh").args(["-c", &command]).output().await {
        Ok(Output { status, .. }) if status.code() == Some(127) => {
            println!("there is no curl here to paste it to");
        }
        Ok(Output { stdout, stderr, .. }) => {
            let got = String::from_utf8_lossy(&stdout).into_owned();
            let told = format!("{got}{}", String::from_utf8_lossy(&stderr));
            expect("the lamp", got.contains("\"lamp\""), &told);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => println!("there is no shell here"),
        Err(error) => return Err(error.into()),
    }
    reader.exchanges(1).await;
    Ok(wrong)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
