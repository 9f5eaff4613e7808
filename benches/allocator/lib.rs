//! Counts what is allocated; a program that links it has it as its allocator.
//!
//! Under it is an allocator that does the same work for a block whatever else is on the heap: what
//! glibc's does for one of more than 1 KiB, as a request's headers are, depends on what is beside it.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering};

use mimalloc::MiMalloc;

mod flat;

pub use flat::is_flat;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static ALLOCATED: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);

/// What has been allocated so far; bytes as asked for.
#[derive(Clone, Copy)]
pub struct Allocated {
    /// Blocks that were made or made larger or smaller.
    pub allocations: u64,
    pub bytes: u64,
    freed: u64,
}

impl Allocated {
    /// In all, since the start.
    pub fn now() -> Self {
        let [allocations, bytes, freed] =
            [&ALLOCATIONS, &ALLOCATED, &FREED].map(|count| count.load(Ordering::Relaxed));
        Self { allocations, bytes, freed }
    }

    /// The bytes that are held.
    pub fn held(self) -> i64 {
        self.bytes.wrapping_sub(self.freed).cast_signed()
    }
}

/// Costs each row alike: two atomic additions for a block, one to free it.
struct Counting;

fn count(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    ALLOCATED.fetch_add(bytes as u64, Ordering::Relaxed);
}

fn count_freed(bytes: usize) {
    FREED.fetch_add(bytes as u64, Ordering::Relaxed);
}

// SAFETY: each call is handed on as it is
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_freed(layout.size());
        count(size);
        unsafe { MiMalloc.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count_freed(layout.size());
        unsafe { MiMalloc.dealloc(block, layout) }
    }
}
