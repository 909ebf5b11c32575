//! Sharing tasks among threads, each with its own part of the scratch memory.

use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `task` for each number below `tasks`, on as many threads as the current pool has and
/// `scratch` has parts of `part` numbers for.
///
/// Tasks are handed out in order, so that neighbours, which read the same input or weights, run at
/// about the same time.
///
/// # Panics
///
/// If `scratch` has not even one part.
pub(crate) fn each_task(
    tasks: usize,
    scratch: &mut [f32],
    part: usize,
    task: impl Fn(usize, &mut [f32]) + Sync,
) {
    assert!(
        scratch.len() >= part,
        "{} numbers of scratch memory, {part} needed for each thread",
        scratch.len()
    );
    let threads = rayon::current_num_threads().min(tasks);
    if threads <= 1 {
        for i in 0..tasks {
            task(i, &mut scratch[..part]);
        }
        return;
    }
    let next = AtomicUsize::new(0);
    let work = |scratch: &mut [f32]| {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= tasks {
                break;
            }
            task(i, scratch);
        }
    };
    if part == 0 {
        (0..threads)
            .into_par_iter()
            .with_max_len(1)
            .for_each(|_| work(&mut []));
    } else {
        scratch
            .par_chunks_exact_mut(part)
            .take(threads)
            .with_max_len(1)
            .for_each(work);
    }
}

/// The part of `total` that is task number `index` of `tasks`: as even as can be.
pub(crate) fn share(index: usize, tasks: usize, total: usize) -> std::ops::Range<usize> {
    index * total / tasks..(index + 1) * total / tasks
}
