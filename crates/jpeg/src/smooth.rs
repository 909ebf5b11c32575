//! Estimates coefficients that a progressive file lacks: libjpeg's block smoothing.
//!
//! A file that stops early, or whose scans never reach full precision, has blocks with little more
//! than a known mean. The lowest coefficients that are still zero are then estimated from the means of
//! the surrounding 5x5 blocks.

use crate::coefficients::Coefficients;
use crate::frame::{Component, Frame};
use crate::progress::{Known, Progress, TRACKED};

/// A kernel over the means of the surrounding blocks, row by row.
type Kernel = [i64; 25];

/// Estimates of one coefficient: its place in the block, the kernel where no AC coefficient of
/// the component is known at all, and the one where some are.
type Estimate = (usize, Kernel, Option<Kernel>);

#[rustfmt::skip]
const ESTIMATES: [Estimate; 9] = [
    (1,
     [-1, -1, 0, 1, 1, -3, 13, 0, -13, 3, -3, 38, 0, -38, 3, -3, 13, 0, -13, 3, -1, -1, 0, 1, 1],
     Some([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -7, 50, 0, -50, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
    (8,
     [-1, -3, -3, -3, -1, -1, 13, 38, 13, -1, 0, 0, 0, 0, 0, 1, -13, -38, -13, 1, 1, 3, 3, 3, 1],
     Some([0, 0, -7, 0, 0, 0, 0, 50, 0, 0, 0, 0, 0, 0, 0, 0, 0, -50, 0, 0, 0, 0, 7, 0, 0])),
    (16,
     [0, 0, 1, 0, 0, 0, 2, 7, 2, 0, 0, -5, -14, -5, 0, 0, 2, 7, 2, 0, 0, 0, 1, 0, 0],
     Some([0, 0, -1, 0, 0, 0, 0, 13, 0, 0, 0, 0, -24, 0, 0, 0, 0, 13, 0, 0, 0, 0, -1, 0, 0])),
    (9,
     [-1, 0, 0, 0, 1, 0, 9, 0, -9, 0, 0, 0, 0, 0, 0, 0, -9, 0, 9, 0, 1, 0, 0, 0, -1],
     Some([0, -1, 0, 1, 0, -1, 10, 0, -10, 1, 0, 0, 0, 0, 0, 1, -10, 0, 10, -1, 0, 1, 0, -1, 0])),
    (2,
     [0, 0, 0, 0, 0, 0, 2, -5, 2, 0, 1, 7, -14, 7, 1, 0, 2, -5, 2, 0, 0, 0, 0, 0, 0],
     Some([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 13, -24, 13, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
    (3,
     [0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0, 2, 0, -2, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 0],
     None),
    (10,
     [0, 0, 0, 0, 0, 0, 1, -3, 1, 0, 0, 0, 0, 0, 0, 0, -1, 3, -1, 0, 0, 0, 0, 0, 0],
     None),
    (17,
     [0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0, -3, 0, 3, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 0],
     None),
    (24,
     [0, 0, 0, 0, 0, 0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, -1, -2, -1, 0, 0, 0, 0, 0, 0],
     None),
];

/// The mean itself, where no AC coefficient of the component is known.
#[rustfmt::skip]
const MEAN: Kernel = [
    -2, -6, -8, -6, -2,
    -6, 6, 42, 6, -6,
    -8, 42, 152, 42, -8,
    -6, 6, 42, 6, -6,
    -2, -6, -8, -6, -2,
];

/// Whether to smooth blocks: the means of every component are at least partly known, and its lowest
/// coefficients are not fully known.
pub(crate) fn applies(frame: &Frame, progress: &Progress) -> bool {
    let divides = frame.components.iter().all(|c| {
        let places = ESTIMATES.iter().map(|&(place, ..)| place);
        c.quant
            .is_some_and(|q| q[0] != 0 && places.into_iter().all(|p| q[p] != 0))
    });
    let known = &progress.current;
    divides
        && known.iter().all(|k| k[0] >= 0)
        && known.iter().any(|k| k[1..].iter().any(|&bits| bits != 0))
}

/// Smooths one block of a component.
pub(crate) struct Smoother<'a> {
    pub(crate) component: &'a Component,
    pub(crate) coefficients: &'a Coefficients,
    pub(crate) unit_rows: usize,
}

impl Smoother<'_> {
    /// The five block rows around block row `y`; rows past the edges are repeated.
    pub(crate) fn rows(&self, y: usize) -> [usize; 5] {
        let v = self.component.v;
        let unit_row = y / v;
        // In the last row of units, libjpeg uses only the blocks that belong to the image.
        let counted = if unit_row + 1 < self.unit_rows {
            v
        } else {
            match self.component.blocks_high % v {
                0 => v,
                rest => rest,
            }
        };
        let at = unit_row * counted + y % v;
        let end = counted * self.unit_rows;
        let above = if at > 0 { y - 1 } else { y };
        let above2 = if at > 1 { y - 2 } else { above };
        let below = if at + 1 < end { y + 1 } else { y };
        let below2 = if at + 2 < end { y + 2 } else { below };
        [above2, above, y, below, below2]
    }

    /// The block in column `x` of the middle row, with estimates for unknown coefficients.
    pub(crate) fn block(&self, rows: [usize; 5], x: usize, known: &Known) -> Option<[i16; 64]> {
        let quant = self.component.quant.as_ref()?;
        let mut block = *self.coefficients.block(x, rows[2]);
        let last = self.component.blocks_wide - 1;
        let columns = [
            x.saturating_sub(2),
            x.saturating_sub(1),
            x,
            (x + 1).min(last),
            (x + 2).min(last),
        ];
        let mut means = [0i64; 25];
        for (line, y) in means.chunks_exact_mut(5).zip(rows) {
            for (mean, x) in line.iter_mut().zip(columns) {
                *mean = i64::from(self.coefficients.block(x, y)[0]);
            }
        }
        let sum = |kernel: &Kernel| {
            let sum: i64 = kernel.iter().zip(&means).map(|(k, m)| k * m).sum();
            sum * i64::from(quant[0])
        };
        let nothing = known[1..TRACKED].iter().all(|&bits| bits == -1);
        for (i, (place, alone, beside)) in ESTIMATES.iter().enumerate() {
            let bits = known[i + 1];
            let kernel = if nothing {
                Some(alone)
            } else {
                beside.as_ref()
            };
            let Some(kernel) = kernel.filter(|_| bits != 0 && block[*place] == 0) else {
                continue;
            };
            let guess = divide(sum(kernel), i64::from(quant[*place]));
            // The known precision of a zero coefficient limits the estimate.
            let limit = if bits > 0 { (1 << bits) - 1 } else { i64::MAX };
            block[*place] = guess.clamp(-limit, limit) as i16;
        }
        if nothing {
            block[0] = divide(sum(&MEAN), i64::from(quant[0])) as i16;
        }
        Some(block)
    }
}

/// `sum / 256 / quant`, rounded to the nearest, halves away from zero.
fn divide(sum: i64, quant: i64) -> i64 {
    sum.signum() * (((quant << 7) + sum.abs()) / (quant << 8))
}
