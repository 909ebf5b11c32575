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
    rayon::scope(|scope| {
        for _ in 1..rayon::current_num_threads() {
            scope.spawn(|scope| wait(scope, &done));
        }
        // Also if a kernel panics.
        let _done = Done(&done);
        kernels()
    })
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
    scope.spawn(|scope| wait(scope, done));
}

struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    fn on(threads: usize, work: impl FnOnce() + Send) {
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
    fn a_panic_ends_the_waiting() {
        on(3, || {
            let result = std::panic::catch_unwind(|| awake(|| panic!("on purpose")));
            assert!(result.is_err());
        });
    }
}
