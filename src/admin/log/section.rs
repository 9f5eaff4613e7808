//! `/debug/log`.

use std::future::ready;
use std::io::Write;
use std::time::{Duration, SystemTime};

use http::{Method, Response, StatusCode};

use super::{LogControl, LogError, LogStatus};
use crate::admin::access::Access;
use crate::admin::answer::{self, AdminBody, Refusal};
use crate::admin::fields::Fields;
use crate::admin::section::{Answering, Asked, Endpoint, Operation, Section};
use crate::escape;

const FILTER: &str = "filter";
const TIME_TO_LIVE: &str = "time_to_live_seconds";

const ENDPOINTS: &[Endpoint] = &[Endpoint {
    path: "/debug/log",
    operations: &[
        Operation::new(Method::GET, Access::Read),
        Operation::with_json(Method::POST, Access::Change),
        Operation::new(Method::DELETE, Access::Change),
    ],
}];

impl Section for LogControl {
    fn endpoints(&self) -> &'static [Endpoint] {
        ENDPOINTS
    }

    fn handle(&self, asked: Asked) -> Answering {
        Box::pin(ready(self.answer(&asked).unwrap_or_else(|refusal| refusal.answer())))
    }
}

impl LogControl {
    fn answer(&self, asked: &Asked) -> Result<Response<AdminBody>, Refusal> {
        let principal = asked.principal.as_deref();
        if asked.head.method == Method::POST {
            let (filter, time_to_live) = read(&asked.body)?;
            self.set_by(&filter, time_to_live, principal).map_err(refusal)?;
        } else if asked.head.method == Method::DELETE {
            self.fall_back_by(principal).map_err(refusal)?;
        }
        Ok(answer::json(document(&self.status())))
    }
}

/// Reads what is to be set.
pub(in crate::admin) fn read(body: &[u8]) -> Result<(String, Duration), Refusal> {
    let mut fields = Fields::read(body)?;
    let filter = fields.text(FILTER, LogControl::MAX_FILTER_BYTES)?;
    let least = LogControl::MIN_TIME_TO_LIVE.as_secs();
    let most = LogControl::MAX_TIME_TO_LIVE.as_secs();
    let time_to_live = Duration::from_secs(fields.number(TIME_TO_LIVE, least..=most)?);
    fields.end()?;
    Ok((filter, time_to_live))
}

fn refusal(error: LogError) -> Refusal {
    let detail = error.to_string();
    match error {
        LogError::Filter(_) => Refusal::field(FILTER, detail),
        LogError::TimeToLive(_) => Refusal::field(TIME_TO_LIVE, detail),
        LogError::Failed(_) => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, detail),
    }
}

fn document(status: &LogStatus) -> Vec<u8> {
    let mut json = br#"{"filter":"#.to_vec();
    escape::json_string(&mut json, &status.filter);
    json.extend_from_slice(br#","default":"#);
    escape::json_string(&mut json, &status.default);
    match &status.falls_back {
        None => json.extend_from_slice(br#","falls_back":null}"#),
        Some(falls_back) => {
            // rounded up, so that 0 is never told while it is in force
            let after = falls_back.after.as_millis().div_ceil(1000);
            let at = falls_back.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let at = at.as_secs();
            // writing into a Vec cannot fail
            let _ = write!(
                json,
                r#","falls_back":{{"after_seconds":{after},"at_unix_seconds":{at}}}}}"#
            );
        }
    }
    json
}
