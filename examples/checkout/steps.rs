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
}

pub const STEPS: &[Step] = &[
    Step {
        name: "a fast checkout",
        act: Act::Post("/checkout", r#"{"product": "lamp", "quantity": 2, "card": "4242"}"#),
        answer: "200",
        exchanges: "
            gateway     POST  /checkout                           completed  200  -   -  nobody  INFO  200
            →inventory  POST  /products/{id}/reservations         completed  201  -   -  nobody  INFO  201
            inventory   POST  /products/{id}/reservations         completed  201  -   -  nobody  INFO  201
            →payment    POST  checkout.payment.v1.Payment/Charge  completed  200  OK  -  nobody  INFO  200
            payment     POST  checkout.payment.v1.Payment/Charge  completed  200  OK  -  nobody  INFO  200
        ",
        log: &["reserved"],
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
        log: &[],
    },
    Step {
        name: "a declined card",
        act: Act::Post("/checkout", r#"{"product": "lamp", "quantity": 1, "card": "0000"}"#),
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
    },
    Step {
        name: "an unknown product",
        act: Act::Post("/checkout", r#"{"product": "sofa", "quantity": 1, "card": "4242"}"#),
        answer: "404",
        exchanges: "
            gateway     POST  /checkout                    completed  404  -  -    nobody  INFO   404
            →inventory  POST  /products/{id}/reservations  completed  404  -  404  ours    ERROR  404
            inventory   POST  /products/{id}/reservations  completed  404  -  -    nobody  INFO   404
        ",
        log: &[],
    },
    Step {
        name: "an unknown route",
        act: Act::Get("/no/such/route"),
        answer: "404",
        exchanges: "
            gateway  GET  -  completed  404  -  -  nobody  INFO  404
        ",
        log: &[],
    },
    Step {
        name: "a handler that panics",
        act: Act::Get("/panic"),
        answer: "-",
        exchanges: "
            gateway  GET  /panic  panicked  -  -  panic  ours  ERROR  -
        ",
        log: &["a thread panicked"],
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
        log: &[],
    },
    Step {
        name: "a hang-up in the middle of the body",
        act: Act::HangUpInBody("/feed"),
        answer: "200",
        exchanges: "
            gateway  GET  /feed  aborted  200  -  aborted  peer  INFO  200
        ",
        log: &[],
    },
];
