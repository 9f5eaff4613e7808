//! Who asks for exchanges of HTTP, one after the other.

use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body::Body;
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower::retry::{Policy, Retry};
use tower_observability::classify::Side;
use tower_observability::debug_dump::DumpControl;
use tower_observability::reqwest::ReqwestService;
use tower_observability::testing::ScriptBody;

use crate::acts::{Act, Caller, Way};
use crate::bench::Reqwest;
use crate::dice::Dice;
use crate::handler::path;
use crate::script::{DUMP, INTENT, Intent, Script};
use crate::sinks::Sinks;
use crate::support::{Connection, Http};
use crate::witness::{Notes, WitnessLayer};

/// Asks one server.
pub(crate) struct Web {
    way: Way,
    address: SocketAddr,
    script: Arc<Script>,
    witness: WitnessLayer,
    client: Client,
}

enum Client {
    Bare(Option<Connection>),
    Reqwest(Reqwest),
}

impl Web {
    pub(crate) fn new(
        way: Way,
        sinks: &Sinks,
        dumps: &DumpControl,
        address: SocketAddr,
        script: &Arc<Script>,
    ) -> Self {
        let client = match way.caller {
            Caller::Bare => Client::Bare(None),
            Caller::Observed => {
                let builder = reqwest::Client::builder().no_proxy();
                let builder = match way.version {
                    // some of the exchanges leave their connection broken
                    Http::One => builder.pool_max_idle_per_host(0),
                    Http::Two => builder.http2_prior_knowledge(),
                };
                let client = ReqwestService::new(builder.build().unwrap());
                Client::Reqwest(sinks.recorded(dumps, client))
            }
        };
        let (script, witness) = (script.clone(), sinks.witness(Side::Client));
        Self { way, address, script, witness, client }
    }

    /// Has the exchange of this number.
    pub(crate) async fn ask(&mut self, number: usize) {
        let intent = self.script.intents[number].clone();
        let notes = self.witness.notes.clone();
        match &mut self.client {
            Client::Bare(kept) => {
                let mut connection = match kept.take() {
                    Some(connection) => connection,
                    None => Connection::open(self.way.version, self.address).await,
                };
                let request = request(&intent, number, self.address, scripted(&intent));
                let watch = self.witness.watch(request.headers());
                let answer = watch.over(connection.send(request));
                // over HTTP/2 mostly the stream alone is given up
                let goes_on = self.way.version == Http::Two && !intent.seed.is_multiple_of(4);
                let is_kept = intent.act.is_clean() || goes_on;
                see(intent, number, notes, answer).await;
                if is_kept {
                    *kept = Some(connection);
                }
            }
            Client::Reqwest(client) => {
                let request = request(&intent, number, self.address, sent(&intent));
                match intent.next {
                    Some(next) if intent.act == Act::Retried => {
                        let retry = Retry::new(OnceMore(Some(next)), client.clone());
                        see(intent, number, notes, retry.oneshot(request)).await;
                    }
                    _ => see(intent, number, notes, client.clone().oneshot(request)).await,
                }
            }
        }
    }
}

/// Asks once more after a 503, as another exchange.
#[derive(Clone)]
struct OnceMore(Option<usize>);

impl<B, E> Policy<Request<reqwest::Body>, Response<B>, E> for OnceMore {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        request: &mut Request<reqwest::Body>,
        answer: &mut Result<Response<B>, E>,
    ) -> Option<Ready<()>> {
        answer.as_ref().ok().filter(|answer| answer.status() == 503)?;
        request.headers_mut().insert(INTENT, self.0.take()?.into());
        Some(ready(()))
    }

    fn clone_request(
        &mut self,
        request: &Request<reqwest::Body>,
    ) -> Option<Request<reqwest::Body>> {
        let mut again = Request::new(reqwest::Body::default());
        *again.method_mut() = request.method().clone();
        *again.uri_mut() = request.uri().clone();
        *again.headers_mut() = request.headers().clone();
        Some(again)
    }
}

/// Waits for the answer and reads it; leaves where the act is to leave.
async fn see<B, E>(
    intent: Intent,
    number: usize,
    notes: Notes,
    answer: impl Future<Output = Result<Response<B>, E>>,
) where
    B: Body,
{
    let most = match intent.act {
        Act::Leaves => 1,
        Act::LeavesHuge => 1 + (intent.seed % 20) as usize,
        _ => usize::MAX,
    };
    let reading = async {
        let Ok(response) = answer.await else { return };
        let mut body = pin!(response.into_body());
        for _ in 0..most {
            let Some(Ok(_)) = body.frame().await else { return };
        }
    };
    match intent.act {
        Act::Pends => tokio::select! {
            () = reading => panic!("it was ordered to pend"),
            () = notes.entered(number) => {}
        },
        Act::LeavesAnyTime => tokio::select! {
            () = reading => {}
            () = turns(intent.seed % 60) => {}
        },
        _ => reading.await,
    }
}

/// Lets others have so many turns.
pub(crate) async fn turns(turns: u64) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

/// What an observed client sends.
fn sent(intent: &Intent) -> reqwest::Body {
    match intent.act {
        Act::Upload => vec![b'u'; upload(intent)].into(),
        _ => reqwest::Body::default(),
    }
}

fn upload(intent: &Intent) -> usize {
    1 + (intent.seed % 100_000) as usize
}

/// What a bare connection sends.
fn scripted(intent: &Intent) -> ScriptBody {
    let body = ScriptBody::new();
    match intent.act {
        Act::Upload => {
            let size = upload(intent);
            body.data(vec![b'u'; size]).exact(size as u64).claims_end()
        }
        Act::UploadBreaks => body.data("first of many").error("as ordered"),
        _ => body.claims_end(),
    }
}

fn request<B>(intent: &Intent, number: usize, server: SocketAddr, body: B) -> Request<B> {
    let mut dice = Dice::new(intent.seed);
    let mut request = Request::new(body);
    let bare = intent.way.caller == Caller::Bare;
    *request.method_mut() = match intent.act {
        Act::Head => Method::HEAD,
        Act::Upload | Act::UploadBreaks | Act::ClaimsGrpc => Method::POST,
        Act::Hostile => format!("X{}", dice.word()).parse().unwrap(),
        _ => Method::GET,
    };
    let authority = match (intent.act, intent.way.version) {
        // whoever is told where to go is to go there
        (Act::Hostile, Http::Two) if bare => format!("{}.example", dice.next()),
        _ => server.to_string(),
    };
    let path = match intent.act {
        Act::Hostile => made_up_path(&mut dice),
        act => path(act),
    };
    *request.uri_mut() = format!("http://{authority}{path}").parse::<Uri>().unwrap();
    let headers = request.headers_mut();
    headers.insert(INTENT, number.into());
    if intent.is_dumped {
        headers.insert(DUMP, HeaderValue::from_static("1"));
    }
    if intent.act == Act::ClaimsGrpc {
        let kind = dice.of(&["application/grpc", "application/grpc+proto", "application/grpc;x"]);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if dice.below(4) == 0 {
        let agent = dice.of(&[&b"\xff\xfe \t<script>"[..], b"\"};{\"", b"\xe2\x80\xae evil"]);
        headers.insert(USER_AGENT, HeaderValue::from_bytes(agent).unwrap());
    }
    for (name, value) in [
        ("x-request-id", &intent.identity.request_id),
        ("traceparent", &intent.identity.traceparent),
    ] {
        if let Some(value) = value {
            let name = HeaderName::from_static(name);
            headers.insert(name, HeaderValue::from_bytes(value).unwrap());
        }
    }
    request
}

fn made_up_path(dice: &mut Dice) -> String {
    match dice.below(6) {
        0 => format!("/{}?{}", dice.word(), dice.word()),
        1 => format!("/{}/{}", "a".repeat(1 + dice.below(6_000) as usize), dice.next()),
        2 => "/%00%0a%0d%1b[31m%ff/%e2%80%ae?password=%22%7d".to_owned(),
        3 => format!("/{}?token={}&{}", dice.word(), dice.word(), "q".repeat(3_000)),
        4 => "//..;/../%2e%2e/{\"a\":1}?a=1&a=2&&=".to_owned(),
        _ => format!("/é/{}/名前?ключ={}", dice.word(), dice.next()),
    }
}
