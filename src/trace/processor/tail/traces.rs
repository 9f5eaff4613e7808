#[derive(Debug, Default)]
pub(super) struct Traces;
