//! Cutting work into tiles and tasks, and sharing tasks among threads, each with its own part of the
//! scratch memory.

use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tasks for each thread, so that none waits long for the last.
const TASKS_PER_THREAD: usize = 4;

/// Looks for the end of others' tasks before the processor is offered to another thread: some microseconds.
const SPINS: usize = 128;

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
    let (next, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = |scratch: &mut [f32]| {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= tasks {
                break;
            }
            let _ended = Count(&ended);
            task(i, scratch);
        }
        // All tasks are with some thread. One that waited for them in rayon would soon sleep, and be woken
        // late, or on the very processor of who wakes it.
        spin_until(|| ended.load(Ordering::Acquire) == tasks);
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

/// Counts when it is dropped, also by a panic.
struct Count<'a>(&'a AtomicUsize);

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// Waits awake, but lets others have the processor now and then.
fn spin_until(ready: impl Fn() -> bool) {
    loop {
        for _ in 0..SPINS {
            if ready() {
                return;
            }
            std::hint::spin_loop();
        }
        std::thread::yield_now();
    }
}

/// The part of `total` that is task number `index` of `tasks`: as even as can be.
pub(crate) fn share(index: usize, tasks: usize, total: usize) -> std::ops::Range<usize> {
    index * total / tasks..(index + 1) * total / tasks
}

/// How the pixels of each image, in a row, are cut into tiles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiles {
    pixels: usize,
    size: usize,
}

/// The pixels of one tile.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TilePlace {
    pub(crate) image: usize,
    pub(crate) first: usize,
    pub(crate) pixels: usize,
}

impl Tiles {
    /// Tiles of at most `size` pixels, for images of `pixels` pixels.
    pub(crate) fn new(pixels: usize, size: usize) -> Self {
        Self { pixels, size }
    }

    /// How many an image has.
    pub(crate) fn of_image(&self) -> usize {
        self.pixels.div_ceil(self.size)
    }

    /// A tile, counted through all images. The last two of an image share what is left, since a tile
    /// of one pixel takes nearly as long as one of four.
    #[inline(always)]
    pub(crate) fn place(&self, index: usize) -> TilePlace {
        let count = self.of_image();
        let start = |index: usize| {
            if index + 1 == count && count > 1 {
                let last_two = (count - 2) * self.size;
                last_two + (self.pixels - last_two).div_ceil(2)
            } else {
                (index * self.size).min(self.pixels)
            }
        };
        let (image, index) = (index / count, index % count);
        TilePlace {
            image,
            first: start(index),
            pixels: start(index + 1) - start(index),
        }
    }
}

/// How many tasks: chunks of tiles, times shares of the panels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    pub(crate) chunks: usize,
    pub(crate) shares: usize,
}

impl Split {
    /// At most `max_tiles` tiles in a task, a multiple of four.
    pub(crate) fn new(tiles: usize, max_tiles: usize, panels: usize, threads: usize) -> Self {
        let wanted = if threads > 1 {
            threads * TASKS_PER_THREAD
        } else {
            1
        };
        let chunks = tiles
            .div_ceil(max_tiles)
            .max(wanted.min(tiles.div_ceil(max_tiles / 4)));
        let shares = wanted.div_ceil(chunks.max(1)).min(panels).max(1);
        Self { chunks, shares }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::awake::tests::on;

    #[test]
    fn each_task_runs_once() {
        for (threads, tasks) in [(1, 5), (2, 0), (2, 1), (2, 9), (4, 3), (4, 50)] {
            on(threads, || {
                let runs: Vec<_> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                each_task(tasks, &mut vec![0.0; 2 * threads], 2, |i, scratch| {
                    assert_eq!(scratch.len(), 2);
                    runs[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(runs.iter().all(|it| it.load(Ordering::Relaxed) == 1));
            });
        }
    }

    #[test]
    fn a_panic_ends_all() {
        on(3, || {
            let tasks = || each_task(20, &mut [], 0, |i, _| assert_ne!(i % 7, 3, "on purpose"));
            assert!(std::panic::catch_unwind(tasks).is_err());
        });
    }
}
