mod profiles;
mod scheduler;
mod service;
