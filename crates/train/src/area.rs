//! Rectangles of an image, and how random ones are drawn.

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) top: usize,
    pub(crate) left: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Area {
    /// A rectangle of `[height, width]` anywhere in an image.
    pub(crate) fn placed(
        [height, width]: [usize; 2],
        image: [usize; 2],
        mut draw: impl FnMut() -> f64,
    ) -> Self {
        let mut below = |end: usize| (draw() * end as f64) as usize;
        Self {
            top: below(image[0] - height + 1),
            left: below(image[1] - width + 1),
            height,
            width,
        }
    }

    /// Where its rows begin and end in a plane whose rows have `stride` values.
    pub(crate) fn rows(self, stride: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        (self.top..self.top + self.height).map(move |y| {
            let start = y * stride + self.left;
            start..start + self.width
        })
    }
}

/// Two sides whose product is a share in `scale` of an image's area, evenly, and whose ratio,
/// first to second, is in `ratio`, evenly in its logarithm.
pub(crate) fn drawn(
    [height, width]: [usize; 2],
    [least, largest]: [f64; 2],
    ratio: [f64; 2],
    mut draw: impl FnMut() -> f64,
) -> [usize; 2] {
    let pixels = (height * width) as f64 * (least + (largest - least) * draw());
    let [low, high] = ratio.map(f64::ln);
    let ratio = (low + (high - low) * draw()).exp();
    // Python rounds halves to even.
    [pixels * ratio, pixels / ratio].map(|square| square.sqrt().round_ties_even() as usize)
}
