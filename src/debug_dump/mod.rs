//! Whole exchanges, looked at while they pass.

mod capture;

pub use capture::{
    BodyFate, Capture, CaptureId, CapturedBody, CapturedRequest, CapturedResponse, Withheld,
};
