//! The objectives whose rules are tried.

use std::time::Duration;

use tower_observability::slo::{Artefacts, Objective, Target, Window};

#[path = "../../examples/checkout/objectives.rs"]
#[allow(unreachable_pub, reason = "nothing is reachable from outside a test")]
mod objectives;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// As `examples/slo_rules.rs` writes it.
    Checkout,
    /// Periods of one day, so that 5 minutes are 10 s.
    Scaled,
    /// Periods of 28 days, where one factor is no decimal.
    Days28,
    /// So low a target that a severity cannot be reached, and a description with everything in it.
    Low,
}

pub(crate) const ALL: [Variant; 4] =
    [Variant::Checkout, Variant::Scaled, Variant::Days28, Variant::Low];

impl Variant {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Scaled => "scaled",
            Self::Days28 => "28d",
            Self::Low => "low",
        }
    }

    pub(crate) fn artefacts(self) -> Artefacts {
        let available = |percent: &str| {
            let target = Target::percent(percent).unwrap();
            Objective::availability("checkout-availability", target).route("/checkout")
        };
        let objectives = match self {
            Self::Checkout => objectives::objectives().unwrap().to_vec(),
            Self::Scaled => {
                let day = Window::scaled(Duration::from_secs(86_400)).unwrap();
                vec![available("99.9").window(day).build().unwrap()]
            }
            Self::Days28 => vec![available("99.9").window(Window::DAYS_28).build().unwrap()],
            Self::Low => {
                let description =
                    "A \"quoted\" \\ {{ $value }} \u{1}\u{e0001}\u{ffff} # 'text'\n- b";
                vec![available("90").description(description).build().unwrap()]
            }
        };
        Artefacts::builder("checkout")
            .objectives(objectives)
            .runbooks_url("https://runbooks.example/checkout")
            .build()
            .unwrap()
    }
}
