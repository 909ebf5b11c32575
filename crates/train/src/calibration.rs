//! Whether a model is right as often as it says.

/// Bins of the confidence, as in Guo et al. 2017.
const BINS: usize = 15;

/// Sums for the expected calibration error (Guo et al. 2017, arXiv:1706.04599, equation 3): over
/// equally wide bins of the first guess's probability, the difference between accuracy and mean
/// confidence, weighted by the images in the bin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calibration {
    /// Images, sum of confidences, right guesses.
    bins: [(usize, f64, usize); BINS],
}

impl Calibration {
    /// Counts a guess; a bin ends with its upper bound.
    pub(crate) fn add(&mut self, confidence: f64, right: bool) {
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        let (images, sum, hits) = &mut self.bins[bin];
        *images += 1;
        *sum += confidence;
        *hits += usize::from(right);
    }

    /// Between 0 and 1; 0 where nothing was counted.
    pub(crate) fn error(&self) -> f64 {
        let all: usize = self.bins.iter().map(|bin| bin.0).sum();
        let gaps = self
            .bins
            .iter()
            .map(|(_, sum, hits)| (*hits as f64 - sum).abs());
        gaps.sum::<f64>() / all.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_one_of_a_hand_made_example() {
        let mut found = Calibration::default();
        assert_eq!(found.error(), 0.0);
        // Two in the bin up to 1, one right: |1 - 1.95|; two in 0.4..0.4667: |2 - 0.9|; one at
        // 0.6, the upper bound of its bin, wrong: 0.6. Together 2.65 of five images.
        for (confidence, right) in [
            (1.0, true),
            (0.95, false),
            (0.46, true),
            (0.44, true),
            (0.6, false),
        ] {
            found.add(confidence, right);
        }
        assert!(
            (found.error() - 2.65 / 5.0).abs() < 1e-12,
            "{}",
            found.error()
        );
    }

    #[test]
    fn many_guesses_give_the_error_of_an_independent_implementation() {
        // tools/reference/evaluate.py, as the code that goes with the paper has it.
        let mut found = Calibration::default();
        for index in 0..1000_u64 {
            let confidence = (index * 7919 % 1000) as f64 / 1000.0 + 0.0005;
            found.add(confidence, index * 31 % 100 < 10 + index % 60);
        }
        assert!(
            (found.error() - EXPECTED).abs() < 1e-12,
            "{}",
            found.error()
        );
    }

    const EXPECTED: f64 = 0.27;
}
