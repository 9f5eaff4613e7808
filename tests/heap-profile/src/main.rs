//! Leaks a known number of bytes, and prints what grew between a heap profile before and one after: the
//! total, and for each function its name, what it holds itself and what it and its callees hold.

use std::error::Error;
use std::hint::black_box;

use tikv_jemallocator::Jemalloc;
use tower_observability::pprof::heap_profile;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

const BLOCK: usize = 4 << 10;

/// What is never freed.
#[inline(never)]
fn the_known_leak(bytes: usize) {
    for _ in 0..bytes / BLOCK {
        std::mem::forget(black_box(vec![1_u8; BLOCK]));
    }
}

/// What was there before, and stays.
#[inline(never)]
fn held_all_along(bytes: usize) -> Vec<Vec<u8>> {
    (0..bytes / BLOCK).map(|_| black_box(vec![2_u8; BLOCK])).collect()
}

/// What is freed again.
#[inline(never)]
fn freed_again(bytes: usize) {
    for _ in 0..bytes / BLOCK {
        drop(black_box(vec![3_u8; BLOCK]));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let leaks: usize = std::env::args().nth(1).ok_or("how many bytes to leak")?.parse()?;
    let held = held_all_along(4 * leaks);
    let before = heap_profile().await?;
    the_known_leak(leaks);
    freed_again(4 * leaks);
    let grown = heap_profile().await?.diff(&before)?;
    println!("{}", grown.total("inuse_space").unwrap_or_default());
    for function in grown.functions("inuse_space").unwrap_or_default() {
        println!("{}\t{}\t{}", function.flat, function.cumulative, function.name);
    }
    drop(held);
    Ok(())
}
