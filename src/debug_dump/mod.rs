//! Whole exchanges, looked at while they pass.

mod capture;
pub mod curl;
pub mod har;
#[allow(dead_code, reason = "the layer hands its bodies to it")]
mod hide;
pub mod render;
#[cfg(test)]
mod samples;

pub use capture::{
    BodyFate, Capture, CaptureId, CapturedBody, CapturedRequest, CapturedResponse, Withheld,
};
pub use hide::Opaque;
