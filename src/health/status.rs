//! The words of health.

/// How a component, a group or the whole service is, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Unhealthy: 503, and `NOT_SERVING`.
    Fail,
    /// Healthy, with concerns: 200, and `SERVING`.
    Warn,
    /// Healthy: 200, and `SERVING`.
    Pass,
}

impl Status {
    /// As the health+json format writes it: `pass`, `warn` or `fail`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Pass => "pass",
        }
    }

    /// Whether it is [`Pass`](Self::Pass) or [`Warn`](Self::Warn).
    pub const fn is_healthy(self) -> bool {
        !matches!(self, Self::Fail)
    }
}

/// What a probe asks about; the words are Kubernetes'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Must the process be restarted? Nothing outside of the process belongs here: a database that is
    /// down would have every process restarted. With no check in it, a process that answers is live.
    Live,
    /// Should it get traffic now?
    Ready,
    /// Has it started? Passes once, and stays.
    Startup,
}

impl Group {
    pub(super) const ALL: [Self; 3] = [Self::Live, Self::Ready, Self::Startup];

    /// As paths of probes begin: `live`, `ready` or `startup`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ready => "ready",
            Self::Startup => "startup",
        }
    }
}

/// What kind of thing a component is, in the words of the health+json format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ComponentType {
    /// A part of the service, or another service.
    Component,
    /// A database, a cache, a disk that holds data.
    Datastore,
    /// What the machine offers: CPU, memory, disks.
    System,
}

impl ComponentType {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Datastore => "datastore",
            Self::System => "system",
        }
    }
}

/// How much an answer tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Details {
    /// Names and states alone: for probes, which anybody may send.
    #[default]
    Withheld,
    /// Outputs, observed values, times and the service's metadata, too: for those who may read.
    Told,
}
