//! What the business wants to know: metrics of the gateway's own, made with `prometheus` itself. As
//! they are in the same registry, they come out of the same `/metrics`.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

use crate::clients::Problem;
use crate::gateway::Receipt;

#[derive(Clone)]
pub struct Orders {
    total: IntCounterVec,
    value: Histogram,
}

const STATUSES: [&str; 5] = ["placed", "declined", "sold_out", "unknown_product", "failed"];

impl Orders {
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let total = Opts::new("orders_total", "Orders, by what became of them.");
        let total = IntCounterVec::new(total, &["status"])?;
        for status in STATUSES {
            // from zero, as `increase()` does not see a series begin
            total.with_label_values(&[status]);
        }
        let value =
            HistogramOpts::new("order_value_euros", "Value of the orders placed, in euros.")
                .buckets(vec![10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0]);
        let value = Histogram::with_opts(value)?;
        registry.register(Box::new(total.clone()))?;
        registry.register(Box::new(value.clone()))?;
        Ok(Self { total, value })
    }

    /// Counts an order once it is known what became of it.
    pub fn count(&self, order: &Result<Receipt, Problem>) {
        let status = match order {
            Ok(_) => "placed",
            Err(Problem::Declined) => "declined",
            Err(Problem::SoldOut) => "sold_out",
            Err(Problem::NoSuchProduct) => "unknown_product",
            Err(Problem::Upstream(_)) => "failed",
        };
        self.total.with_label_values(&[status]).inc();
        if let Ok(receipt) = order {
            self.value.observe(receipt.total_cents as f64 / 100.0);
        }
    }
}
