//! A cache of prices, which seldom change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tower_observability::operation::{Ending, Operations};

use crate::inventory::Price;

#[derive(Clone)]
pub struct Prices {
    known: Arc<Mutex<HashMap<String, Price>>>,
    operations: Operations,
}

impl Prices {
    pub fn new(operations: Operations) -> Self {
        Self { known: Arc::default(), operations }
    }

    pub fn get(&self, product: &str) -> Option<Price> {
        self.operations.cache("memory", "GET").collection("price").in_memory().call_with(
            || self.known().get(product).copied(),
            |found| Ending::ok().attribute("cache.hit", found.is_some()),
        )
    }

    pub fn put(&self, product: &str, price: Price) {
        self.known().insert(product.to_owned(), price);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Price>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
