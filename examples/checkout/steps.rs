//! What the script does, and what must be seen of it.

use crate::customer::Act;

pub struct Step {
    pub name: &'static str,
    pub act: Act,
    /// The status the customer gets; `-` where there is none.
    pub answer: &'static str,
    /// The exchanges, one a line, with the columns of [`COLUMNS`](crate::seen::COLUMNS).
    pub exchanges: &'static str,
    /// What else is logged under the request's ID.
    pub log: &'static [&'static str],
    /// The spans of its trace, each behind its service and indented by its depth; nothing where
    /// they depend on when somebody hangs up.
    pub spans: Option<&'static str>,
    /// The span that takes the most time itself; the trace is printed then.
    pub slowest: Option<&'static str>,
    /// Two spans that overlap in time; the trace is printed then, too.
    pub at_once: Option<[&'static str; 2]>,
}

/// Nothing beside its exchanges.
const PLAIN: Step = Step {
    name: "",
    act: Act::Get("/"),
    answer: "",
    exchanges: "",
    log: &[],
    spans: None,
    slowest: None,
    at_once: None,
};

/// A counter by its name and labels, and by how much it grows.
pub type Counter = (&'static str, &'static [(&'static str, &'static str)], f64);

/// What the steps add to counters: those of the gateway's own, and of its feature flag.
pub const COUNTERS: &[Counter] = &[
    ("orders_total", &[("status", "placed")], 2.0),
    ("orders_total", &[("status", "declined")], 1.0),
    ("orders_total", &[("status", "unknown_product")], 1.0),
    ("orders_total", &[], 4.0),
    ("order_value_euros_count", &[], 2.0),
    ("order_value_euros_sum", &[], 69.0),
    ("feature_flag_evaluations_total", &[("feature_flag_result_variant", "detailed")], 1.0),
    ("feature_flag_evaluations_total", &[("feature_flag_result_variant", "plain")], 3.0),
];

/// What must be back at zero after the steps.
pub const IDLE: &[&str] = &[
    "http_server_active_requests",
    "http_client_active_requests",
    "rpc_server_active_calls",
    "rpc_client_active_calls",
    "db_connections_in_use",
];

/// What all cards of the script begin with, and no span and no line of a log may hold.
pub const CARDS: &str = "4242-4242-4242";
const GOOD_CARD: &str = r#"{"product": "lamp", "quantity": 2, "card": "4242-4242-4242-4242"}"#;
const BAD_CARD: &str = r#"{"product": "lamp", "quantity": 1, "card": "4242-4242-4242-0000"}"#;
const SOFA: &str = r#"{"product": "sofa", "quantity": 1, "card": "4242-4242-4242-4242"}"#;
const SLOW_LAMP: &str = r#"{"product": "slow-lamp", "quantity": 1, "card": "4242-4242-4242-4242"}"#;

pub const STEPS: &[Step] = &[
    Step {
        name: "a fast checkout",
        act: Act::Post("/checkout", GOOD_CARD),
        answer: "200",
        exchanges: "
            gateway     POST  /checkout                           completed  200  -   -  nobody  INFO  200
            →inventory  POST  /products/{id}/reservations         completed  201  -   -  nobody  INFO  201
            inventory   POST  /products/{id}/reservations         completed  201  -   -  nobody  INFO  201
            →payment    POST  checkout.payment.v1.Payment/Charge  completed  200  OK  -  nobody  INFO  200
            payment     POST  checkout.payment.v1.Payment/Charge  completed  200  OK  -  nobody  INFO  200
        ",
        log: &["reserved"],
        spans: Some("
            gateway POST /checkout
              gateway → POST /products/{id}/reservations
                inventory POST /products/{id}/reservations
                  inventory → UPDATE product
                  inventory → INSERT reservation
                  inventory ask warehouse
              gateway → checkout.payment.v1.Payment/Charge
                payment checkout.payment.v1.Payment/Charge
        "),
        ..PLAIN
    },
    Step {
        name: "a slow checkout",
        act: Act::Post("/checkout", SLOW_LAMP),
        answer: "200",
        exchanges: "
            gateway     POST  /checkout                           completed  200  -   -  nobody  WARN  200
            →inventory  POST  /products/{id}/reservations         completed  201  -   -  nobody  WARN  201
            inventory   POST  /products/{id}/reservations         completed  201  -   -  nobody  WARN  201
            →payment    POST  checkout.payment.v1.Payment/Charge  completed  200  OK  -  nobody  INFO  200
            payment     POST  checkout.payment.v1.Payment/Charge  completed  200  OK  -  nobody  INFO  200
        ",
        log: &["reserved"],
        spans: Some("
            gateway POST /checkout
              gateway → POST /products/{id}/reservations
                inventory POST /products/{id}/reservations
                  inventory → UPDATE product
                  inventory → INSERT reservation
                  inventory ask warehouse
              gateway → checkout.payment.v1.Payment/Charge
                payment checkout.payment.v1.Payment/Charge
        "),
        slowest: Some("ask warehouse"),
        ..PLAIN
    },
    Step {
        name: "a slow inventory",
        act: Act::Get("/products/slow-lamp"),
        answer: "200",
        exchanges: "
            gateway     GET  /products/{id}        completed  200  -  -  nobody  WARN  200
            →inventory  GET  /products/{id}/price  completed  200  -  -  nobody  WARN  200
            →inventory  GET  /products/{id}/stock  completed  200  -  -  nobody  WARN  200
            inventory   GET  /products/{id}/price  completed  200  -  -  nobody  WARN  200
            inventory   GET  /products/{id}/stock  completed  200  -  -  nobody  WARN  200
        ",
        spans: Some("
            gateway GET /products/{id}
              gateway GET price
              gateway → GET /products/{id}/price
                inventory GET /products/{id}/price
                  inventory → SELECT product
                  inventory ask warehouse
              gateway → GET /products/{id}/stock
                inventory GET /products/{id}/stock
                  inventory → SELECT product
                  inventory ask warehouse
        "),
        at_once: Some(["→ GET /products/{id}/price", "→ GET /products/{id}/stock"]),
        ..PLAIN
    },
    Step {
        name: "the same again, its price from the cache",
        act: Act::Get("/products/slow-lamp"),
        answer: "200",
        exchanges: "
            gateway     GET  /products/{id}        completed  200  -  -  nobody  WARN  200
            →inventory  GET  /products/{id}/stock  completed  200  -  -  nobody  WARN  200
            inventory   GET  /products/{id}/stock  completed  200  -  -  nobody  WARN  200
        ",
        spans: Some("
            gateway GET /products/{id}
              gateway GET price
              gateway → GET /products/{id}/stock
                inventory GET /products/{id}/stock
                  inventory → SELECT product
                  inventory ask warehouse
        "),
        ..PLAIN
    },
    Step {
        name: "a declined card",
        act: Act::Post("/checkout", BAD_CARD),
        answer: "402",
        exchanges: "
            gateway     POST    /checkout                           completed  402  -  -  nobody  INFO  402
            →inventory  POST    /products/{id}/reservations         completed  201  -  -  nobody  INFO  201
            →inventory  DELETE  /reservations/{id}                  completed  204  -  -  nobody  INFO  204
            inventory   POST    /products/{id}/reservations         completed  201  -  -  nobody  INFO  201
            inventory   DELETE  /reservations/{id}                  completed  204  -  -  nobody  INFO  204
            →payment    POST    checkout.payment.v1.Payment/Charge  completed  200  FAILED_PRECONDITION  FAILED_PRECONDITION  ours    ERROR  200
            payment     POST    checkout.payment.v1.Payment/Charge  completed  200  FAILED_PRECONDITION  -                    nobody  INFO   200
        ",
        log: &["reserved", "card declined"],
        spans: Some("
            gateway POST /checkout
              gateway → POST /products/{id}/reservations
                inventory POST /products/{id}/reservations
                  inventory → UPDATE product
                  inventory → INSERT reservation
                  inventory ask warehouse
              gateway → checkout.payment.v1.Payment/Charge
                payment checkout.payment.v1.Payment/Charge
              gateway → DELETE /reservations/{id}
                inventory DELETE /reservations/{id}
                  inventory → UPDATE product
                  inventory → DELETE reservation
        "),
        ..PLAIN
    },
    Step {
        name: "an unknown product",
        act: Act::Post("/checkout", SOFA),
        answer: "404",
        exchanges: "
            gateway     POST  /checkout                    completed  404  -  -    nobody  INFO   404
            →inventory  POST  /products/{id}/reservations  completed  404  -  404  ours    ERROR  404
            inventory   POST  /products/{id}/reservations  completed  404  -  -    nobody  INFO   404
        ",
        spans: Some("
            gateway POST /checkout
              gateway → POST /products/{id}/reservations
                inventory POST /products/{id}/reservations
                  inventory → UPDATE product
                  inventory → SELECT product
        "),
        ..PLAIN
    },
    Step {
        name: "an unknown route",
        act: Act::Get("/no/such/route"),
        answer: "404",
        exchanges: "
            gateway  GET  -  completed  404  -  -  nobody  INFO  404
        ",
        spans: Some("gateway GET"),
        ..PLAIN
    },
    Step {
        name: "a handler that panics",
        act: Act::Get("/panic"),
        answer: "500",
        exchanges: "
            gateway  GET  /panic  panicked  500  -  panic  ours  ERROR  500
        ",
        log: &["a thread panicked"],
        spans: Some("gateway GET /panic"),
        ..PLAIN
    },
    Step {
        name: "a hang-up before the headers",
        act: Act::HangUpBeforeHeaders("/products/lost-lamp"),
        answer: "-",
        exchanges: "
            gateway     GET  /products/{id}        cancelled  -  -  cancelled  peer  INFO  499
            →inventory  GET  /products/{id}/price  cancelled  -  -  cancelled  peer  INFO  -
            →inventory  GET  /products/{id}/stock  cancelled  -  -  cancelled  peer  INFO  -
            inventory   GET  /products/{id}/price  cancelled  -  -  cancelled  peer  INFO  499
            inventory   GET  /products/{id}/stock  cancelled  -  -  cancelled  peer  INFO  499
        ",
        ..PLAIN
    },
    Step {
        name: "a hang-up in the middle of the body",
        act: Act::HangUpInBody("/feed"),
        answer: "200",
        exchanges: "
            gateway  GET  /feed  aborted  200  -  aborted  peer  INFO  200
        ",
        spans: Some("gateway GET /feed"),
        ..PLAIN
    },
];
