//! Takes the secrets out of bodies.
//!
//! A body is decompressed, read by its content type, and cut last: what is hidden is found before
//! anything is left out. What cannot be read is not kept.
//!
//! | type | what becomes of it |
//! |---|---|
//! | JSON, lines and sequences of it | values of secret keys are hidden at any depth; text in strings, JSON among it, is looked into |
//! | `application/x-www-form-urlencoded` | as [`Redaction::query`] |
//! | `text/*` | as [`Redaction::query`], for the text, each line and each word: keys start there too; and what follows a name and a colon, to the end of its line and of those deeper |
//! | `multipart/form-data` | the parts of secret names are hidden, every other one by its own type |
//! | no type | JSON or text where it looks like it |
//! | gRPC, where the [messages are known](super::DebugDumpLayer::grpc_messages) | JSON, a line for each message, whose secrets are hidden as in JSON |
//! | HTML, XML, other gRPC, everything else | withheld, unless [`Opaque::Kept`] |
//!
//! What it cannot find: a secret whose name stands in a value (`{"name": "token", "value": "x"}`),
//! one without a name, one in base64.

mod cut;
mod decode;
#[cfg(feature = "debug-dump-grpc")]
mod grpc;
mod json;
mod kind;
mod multipart;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;

use super::{BodyForm, Withheld};
use crate::redact::Redaction;

use self::kind::Kind;

/// What becomes of bodies that no secret can be found in, as nothing tells where one would stand:
/// binary ones, gRPC messages, HTML and XML; and the binary metadata of gRPC, whose names end in
/// `-bin`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Opaque {
    /// They are not kept, and marked as [`Withheld::Unreadable`].
    #[default]
    Withheld,
    /// They are kept as they are, with the secrets they may hold.
    Kept,
}

/// How bodies are hidden and cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hide<'a> {
    pub(crate) redaction: &'a Redaction,
    pub(crate) opaque: Opaque,
    /// The most bytes that are kept, after decompression and hiding.
    pub(crate) cap: usize,
}

/// What may be kept of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hidden {
    /// Decompressed, its secrets hidden, and cut.
    pub(crate) kept: Bytes,
    pub(crate) withheld: Option<Withheld>,
    pub(crate) form: BodyForm,
}

impl Hidden {
    fn nothing(withheld: Option<Withheld>) -> Self {
        Self { kept: Bytes::new(), withheld, form: BodyForm::AsSent }
    }
}

/// How the reading of a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Whole,
    /// The bytes ended before the text did, as was said.
    Cut,
    /// What follows what was written cannot be read.
    Unreadable,
}

impl Hide<'_> {
    /// What may be kept of a body that starts with these bytes. Where they are not all of it
    /// (`is_whole` is false), a few more than the cap fill up what hiding shortens.
    pub(crate) fn body(&self, raw: &[u8], is_whole: bool, headers: &HeaderMap) -> Hidden {
        if raw.is_empty() {
            return Hidden::nothing((!is_whole).then_some(Withheld::Truncated));
        }
        let Some(plain) = decode::decode(raw, is_whole, headers) else {
            return Hidden::nothing(Some(Withheld::Unreadable));
        };
        let kind = Kind::of(headers, &plain);
        let (mut text, ended) = self.read(&plain, is_whole, &kind);
        let is_cut = cut::cut(&mut text, self.cap, &kind) || !is_whole || ended == Ended::Cut;
        let withheld = match ended {
            Ended::Unreadable => Some(Withheld::Unreadable),
            _ => is_cut.then_some(Withheld::Truncated),
        };
        Hidden { kept: Bytes::from(text), withheld, form: BodyForm::AsSent }
    }

    fn read(&self, plain: &[u8], is_whole: bool, kind: &Kind) -> (Vec<u8>, Ended) {
        match kind {
            Kind::Json { many } => json::hide(plain, is_whole, *many, self.redaction),
            Kind::Form => self.read_text(plain, is_whole, text::form),
            Kind::Text => self.read_text(plain, is_whole, text::prose),
            Kind::Multipart { boundary } => self.read_parts(plain, is_whole, boundary),
            Kind::Opaque if self.opaque == Opaque::Kept => (plain.to_vec(), Ended::Whole),
            Kind::Opaque | Kind::Unreadable => (Vec::new(), Ended::Unreadable),
        }
    }

    fn read_text(
        &self,
        plain: &[u8],
        is_whole: bool,
        hide: for<'a> fn(&'a str, bool, &Redaction) -> Cow<'a, str>,
    ) -> (Vec<u8>, Ended) {
        match utf8(plain, is_whole) {
            Some(text) => (hide(text, is_whole, self.redaction).into_owned().into(), Ended::Whole),
            None => (Vec::new(), Ended::Unreadable),
        }
    }
}

/// The bytes as text, without the character that the end of a cut text may be in.
fn utf8(bytes: &[u8], is_whole: bool) -> Option<&str> {
    match str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if !is_whole && error.error_len().is_none() => {
            str::from_utf8(bytes.get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}
