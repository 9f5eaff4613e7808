//! Ready-made checks.

mod budget;
#[cfg(unix)]
mod disk;
mod http;
mod tcp;

pub use budget::BudgetCheck;
#[cfg(unix)]
pub use disk::{DiskSpaceCheck, Free};
pub use http::HttpCheck;
pub use tcp::TcpCheck;
