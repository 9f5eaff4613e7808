//! The W3C formats in which traces and baggage travel.
