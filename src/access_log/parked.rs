//! Where what is kept of a request lies until its line is written.

use std::cell::RefCell;

use super::begun::Begun;

thread_local! {
    /// Places that are free again.
    static FREE: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
}

/// The most free places a thread keeps.
const MOST: usize = 64;

type Place = Box<Option<Begun>>;

/// What is kept of a request, behind a pointer: an exchange is moved from the call to the future
/// to the body and on, whether it is logged or not. The memory is used again, so that a thread
/// allocates only when it has more exchanges at once than before.
pub struct Parked(Place);

impl Parked {
    #[inline]
    pub(super) fn new(begun: Begun) -> Self {
        let free = FREE.try_with(|free| free.borrow_mut().pop());
        let mut place = free.ok().flatten().unwrap_or_default();
        *place = Some(begun);
        Self(place)
    }

    pub(super) fn get(&self) -> Option<&Begun> {
        self.0.as_ref().as_ref()
    }

    pub(super) fn get_mut(&mut self) -> Option<&mut Begun> {
        self.0.as_mut().as_mut()
    }

    /// Lets go of the request and keeps the memory.
    pub(super) fn free(mut self) {
        *self.0 = None;
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < MOST {
                free.push(self.0);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::super::AccessLog;
    use super::*;
    use crate::classify::Side;

    fn begun() -> Begun {
        let (head, ()) = Request::new(()).into_parts();
        Begun::of(&AccessLog::default(), &head, Side::Server)
    }

    #[test]
    fn places_are_used_again_and_hold_nothing_meanwhile() {
        let places =
            || FREE.with_borrow(|free| free.iter().map(|at| at.is_none()).collect::<Vec<_>>());
        std::thread::spawn(move || {
            let several: Vec<_> = (0..=MOST).map(|_| Parked::new(begun())).collect();
            assert!(several.iter().all(|parked| parked.get().is_some()));
            several.into_iter().for_each(Parked::free);
            assert_eq!(places(), [true; MOST]);
            let again = Parked::new(begun());
            assert_eq!(places(), [true; MOST - 1]);
            again.free();
            assert_eq!(places(), [true; MOST]);
        })
        .join()
        .unwrap();
    }
}
