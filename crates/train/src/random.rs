//! A small random generator whose stream is a function of the numbers that it is made from.

use std::convert::Infallible;

use rand_core::TryRng;
use rand_distr::{Beta, Distribution as _};

/// SplitMix64 (Steele, Lea and Flood 2014): any state is a good one, so hashing into it is enough.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of these three numbers.
    pub(crate) fn new(seed: u64, epoch: u64, index: u64) -> Self {
        let mut state = Self(seed);
        for word in [epoch, index] {
            state = Self(state.next() ^ word);
        }
        state
    }

    /// The next 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number in `0..end`; the bias of the multiplication is below 2^-32 for any data set.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.next()) * end as u128;
        (wide >> 64) as usize
    }

    /// A number in `0.0..1.0`, a multiple of 2^-53.
    pub(crate) fn unit(&mut self) -> f64 {
        const STEPS: f64 = (1_u64 << 53) as f64;
        (self.next() >> 11) as f64 / STEPS
    }

    /// A number of the beta distribution with both parameters `alpha`, which is above 0.
    pub(crate) fn beta(&mut self, alpha: f64) -> f64 {
        let distribution = Beta::new(alpha, alpha).expect("alpha is above 0");
        distribution.sample(self)
    }

    /// `0..len` in random order (Fisher and Yates).
    pub(crate) fn permutation(&mut self, len: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        for last in (1..len).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_stream_is_splitmix64s() {
        // First outputs for state 1234567, as published with the reference implementation.
        let mut random = Random(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973];
        assert_eq!([random.next(), random.next()], expected);
    }

    #[test]
    fn a_permutation_holds_every_index_once() {
        let order = Random::new(1, 2, 3).permutation(100);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        assert_ne!(order, sorted);
    }

    #[test]
    fn each_of_seed_epoch_and_index_changes_the_stream() {
        let first = |seed, epoch, index| Random::new(seed, epoch, index).next();
        let all = [
            first(0, 0, 0),
            first(1, 0, 0),
            first(0, 1, 0),
            first(0, 0, 1),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn beta_has_its_mean_and_variance() {
        // 1/2, and 1 / (4 (2 alpha + 1)).
        for (alpha, variance) in [(0.2, 1.0 / 5.6), (1.0, 1.0 / 12.0), (4.0, 1.0 / 36.0)] {
            let draws: Vec<f64> = (0..20_000)
                .map(|index| Random::new(9, 9, index).beta(alpha))
                .collect();
            let mean = draws.iter().sum::<f64>() / 20_000.0;
            let spread = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / 20_000.0;
            assert!((mean - 0.5).abs() < 0.02, "{alpha}: {mean}");
            assert!((spread / variance - 1.0).abs() < 0.05, "{alpha}: {spread}");
        }
    }
}
