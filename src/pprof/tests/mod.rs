mod callers;
mod profiles;
mod scheduler;
mod service;
