//! Threads that do not fall asleep between one kernel and the next.

use rayon::Scope;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often a thread looks for work before it returns to what it may have begun.
const LOOKS: usize = 16;

/// Runs `kernels` on a thread of rayon's current pool, while the others stay awake.
///
/// A network is a hundred kernels of some 100 us. A thread that sleeps is woken in as many us, on a
/// virtual machine at least, and rayon's go to sleep sooner than the next kernel begins: without this, two
/// threads are no faster than one. They wait for work as those of other inference engines do, at the cost of
/// the processors' time.
pub fn awake<R: Send>(kernels: impl FnOnce() -> R + Send) -> R {
    let done = AtomicBool::new(false);
    rayon::scope(|scope| beside_waiters(scope, &done, kernels))
}

/// As [`awake`], for what must stay on its thread. Where that is none of a pool's, nothing is kept awake: the
/// threads would take its processor.
pub fn awake_in_place<R>(kernels: impl FnOnce() -> R) -> R {
    if rayon::current_thread_index().is_none() {
        return kernels();
    }
    let done = AtomicBool::new(false);
    rayon::in_place_scope(|scope| beside_waiters(scope, &done, kernels))
}

/// Makes the calling thread one of rayon's global pool, so that it works itself where it would wait for
/// the pool's threads, and need not be woken. To be called before the pool's first use, by a thread that
/// lives as long as the program; else, and where the pool has one thread, nothing changes.
pub fn enlist() {
    // The only thread of a pool must not wait for others, whose work it would have to do.
    let threads = std::env::var("RAYON_NUM_THREADS").ok();
    let threads = threads
        .and_then(|number| number.parse().ok())
        .filter(|&it| it > 0);
    let available = || std::thread::available_parallelism().map_or(1, usize::from);
    if threads.unwrap_or_else(available) > 1 {
        // An error says that the pool is there already.
        let _ = rayon::ThreadPoolBuilder::new()
            .use_current_thread()
            .build_global();
    }
}

fn beside_waiters<'scope, R>(
    scope: &Scope<'scope>,
    done: &'scope AtomicBool,
    kernels: impl FnOnce() -> R,
) -> R {
    for _ in 1..rayon::current_num_threads() {
        scope.spawn(|scope| wait(scope, done));
    }
    // Also if a kernel panics.
    let _done = Done(done);
    kernels()
}

/// Looks for work for a moment, then lets the thread go on with what it had begun, if anything, and
/// comes back.
fn wait<'scope>(scope: &Scope<'scope>, done: &'scope AtomicBool) {
    for _ in 0..LOOKS {
        if done.load(Ordering::Acquire) {
            return;
        }
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            std::hint::spin_loop();
        }
    }
    // Where other programs took a processor, the kernels may be on this one.
    std::thread::yield_now();
    scope.spawn(|scope| wait(scope, done));
}

struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rayon::prelude::*;

    /// Works on a pool of so many threads.
    pub(crate) fn on(threads: usize, work: impl FnOnce() + Send) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(work);
    }

    /// Regions within regions, from several threads at once: none waits for ever.
    #[test]
    fn work_goes_on() {
        for threads in 1..=4 {
            on(threads, || {
                (0..4).into_par_iter().for_each(|_| {
                    let sum: usize = awake(|| {
                        (0..50)
                            .map(|_| (0..64).into_par_iter().map(|i| i + 1).sum::<usize>())
                            .sum()
                    });
                    assert_eq!(sum, 50 * 65 * 32);
                });
            });
        }
    }

    #[test]
    fn a_thread_may_be_in_a_pool_or_not() {
        let sum = || (0..64).into_par_iter().map(|i| i + 1).sum::<usize>();
        // Not sent to another thread.
        let local = std::rc::Rc::new(2);
        assert_eq!(awake_in_place(|| *local * sum()), 2 * 65 * 32);
        on(3, || assert_eq!(awake_in_place(|| 2 * sum()), 2 * 65 * 32));
    }

    #[test]
    fn a_panic_ends_the_waiting() {
        on(3, || {
            let result = std::panic::catch_unwind(|| awake(|| panic!("on purpose")));
            assert!(result.is_err());
        });
    }
}
